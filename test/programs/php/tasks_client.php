<?php
// Ten tasks at once, with every callback; one line for each call of one.
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $argv[1]);
// A callback that returns a number ends runTasks with that number as its code, so these return nothing.
function say(GearmanTask $task, string $event, string $what = ''): void {
    print "{$task->unique()} $event $what\n";
}
$client->setCreatedCallback(function ($task) { say($task, 'created', strtok($task->jobHandle(), ':')); });
$client->setDataCallback(function ($task) { say($task, 'data', $task->data()); });
$client->setWarningCallback(function ($task) { say($task, 'warning', $task->data()); });
$client->setStatusCallback(function ($task) { say($task, 'status', "{$task->taskNumerator()}/{$task->taskDenominator()}"); });
$client->setCompleteCallback(function ($task) { say($task, 'complete', $task->data()); });
$client->setExceptionCallback(function ($task) { say($task, 'exception', $task->data()); });
$client->setFailCallback(function ($task) { say($task, 'fail'); });
$client->addTaskHigh('upper', 'alpha', null, 'u1');
$client->addTask('upper', 'beta', null, 'u2');
$client->addTaskLow('upper', 'gamma', null, 'u3');
$client->addTask('fail', 'delta', null, 'u4');
$client->addTask('throw', 'epsilon', null, 'u5');
$client->addTask('set_fail', 'zeta', null, 'u6');
$client->addTaskBackground('upper', 'eta', null, 'u7');
$client->addTaskHighBackground('upper', 'theta', null, 'u8');
$client->addTaskLowBackground('upper', 'iota', null, 'u9');
$client->addTask('upper', 'kappa', null, 'u10');
$client->runTasks();
print "end {$client->returnCode()}\n";
