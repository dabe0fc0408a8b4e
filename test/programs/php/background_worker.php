<?php
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction('testFunction', function (GearmanJob $job) {
    print $job->handle() . ' ' . var_export(json_decode($job->workload(), true), true) . "\n";
});
$worker->work();
