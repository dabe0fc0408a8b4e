<?php
// A job ends when as many jobs as its workload says run at the same time: so many workers have one each.
$directory = $argv[2];
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction('meet', function (GearmanJob $job) use ($directory) {
    touch($directory . '/' . getmypid());
    $deadline = time() + 20;
    while (count(glob($directory . '/*')) < (int) $job->workload()) {
        if (time() > $deadline) {
            $job->sendException('nobody came');
            return;
        }
        usleep(2000);
    }
    return (string) getmypid();
});
while ($worker->work());
