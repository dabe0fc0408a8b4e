<?php
// Submits one background job for each workload: $argv[2] is the function. Says what becomes of each.
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $argv[1]);
foreach (array_slice($argv, 3) as $workload) {
    $handle = @$client->doBackground($argv[2], $workload);
    print $client->returnCode() === GEARMAN_SUCCESS ? "$handle\n" : "refused: {$client->returnCode()} {$client->error()}\n";
}
