<?php
// Says everything a worker can say. With an exception, a failure or a timeout it must go on to the next job.
$worker = new GearmanWorker();
$worker->setId('worker-of-tasks');
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->addFunction('upper', function (GearmanJob $job) {
    $job->sendStatus(1, 2);
    $job->sendData(substr($job->workload(), 0, 1));
    $job->sendWarning('careful with ' . $job->workload());
    $job->sendStatus(2, 2);
    return strtoupper($job->workload());
});
$worker->addFunction('fail', function (GearmanJob $job) {
    $job->sendFail();
});
$worker->addFunction('set_fail', function (GearmanJob $job) {
    $job->setReturn(GEARMAN_WORK_FAIL);
});
$worker->addFunction('throw', function (GearmanJob $job) {
    $job->sendException('no ' . $job->workload());
    $job->setReturn(GEARMAN_WORK_EXCEPTION);
});
$worker->addFunction('throwonly', function (GearmanJob $job) {
    $job->sendException('only ' . $job->workload());
});
$worker->addFunction('unique', function (GearmanJob $job) {
    return $job->unique() . '|' . $job->functionName() . '|' . $job->handle();
});
while ($worker->work() || $worker->returnCode() === GEARMAN_WORK_FAIL || $worker->returnCode() === GEARMAN_WORK_EXCEPTION);
fwrite(STDERR, 'the worker ended: ' . $worker->returnCode() . ' ' . $worker->error() . "\n");
