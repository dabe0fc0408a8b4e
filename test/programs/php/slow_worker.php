<?php
// Holds a job until a line comes on stdin and goes on to the next, whatever happened to the job meanwhile.
// $argv[2]: the timeout to register with. $argv[3]: stubborn, to go on when work() returns false.
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction('slow', function (GearmanJob $job) {
    print "has {$job->workload()}\n";
    fgets(STDIN);
    return "done {$job->workload()}";
}, null, (int) $argv[2]);
print "ready\n";
do {
    $isFine = @$worker->work();
    print 'work ' . ($isFine ? 'true' : "false: {$worker->returnCode()}") . "\n";
} while ($isFine || ($argv[3] ?? '') === 'stubborn');
