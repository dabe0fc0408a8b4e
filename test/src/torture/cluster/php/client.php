<?php
// Submits a background job of the function $argv[1] to one of the servers at the ports behind it for each line of its
// stdin, which is the workload, and prints what became of it.
$client = new GearmanClient();
foreach (array_slice($argv, 2) as $port) $client->addServer('127.0.0.1', (int) $port);
$client->setTimeout(5000);
while (($line = fgets(STDIN)) !== false) {
    $workload = trim($line);
    $handle = @$client->doBackground($argv[1], $workload);
    $isTaken = $client->returnCode() === GEARMAN_SUCCESS && $handle;
    printf("%s %.1f %s %s\n", $isTaken ? 'answered' : 'failed', microtime(true) * 1000, $workload, $isTaken ? $handle : '-');
    if (!$isTaken) exit(1);
}
