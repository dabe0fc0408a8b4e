<?php
// Runs one job as far as 3 of 10, says so, and ends it when a line comes on stdin.
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction('step', function (GearmanJob $job) {
    $job->sendStatus(3, 10);
    print "at 3 of 10\n";
    fgets(STDIN);
    return 'done';
});
$worker->work();
print "done\n";
