<?php
// Usage: tls_worker.php PORT. Reverses strings until it is ended.
$worker = new GearmanWorker();
// GEARMAN_WORKER_SSL, for which the extension has no name.
$worker->addOptions(1 << 10);
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction('reverse', fn (GearmanJob $job) => strrev($job->workload()));
while ($worker->work());
echo $worker->error();
