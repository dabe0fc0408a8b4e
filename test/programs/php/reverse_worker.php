<?php
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction('reverse', function (GearmanJob $job) {
    return strrev($job->workload());
});
while ($worker->work());
