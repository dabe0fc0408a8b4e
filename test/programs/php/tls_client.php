<?php
// Usage: tls_client.php PORT WORKLOAD TIMES. Prints what the worker makes of the workload, repeated so often.
$client = new GearmanClient();
// GEARMAN_CLIENT_SSL, for which the extension has no name.
$client->addOptions(1 << 8);
$client->addServer('127.0.0.1', (int) $argv[1]);
$client->setTimeout(10000);
$result = $client->doNormal('reverse', str_repeat($argv[2], (int) $argv[3]));
echo $client->returnCode() === GEARMAN_SUCCESS ? $result : 'error ' . $client->error();
