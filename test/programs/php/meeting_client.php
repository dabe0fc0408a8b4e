<?php
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $argv[1]);
$client->setCompleteCallback(function (GearmanTask $task) {
    print $task->data() . "\n";
});
for ($n = 0; $n < (int) $argv[2]; $n++) {
    $client->addTask('meet', $argv[2]);
}
$client->runTasks();
