<?php
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $argv[1]);
$result = $client->doNormal('slow', $argv[2]);
print "{$client->returnCode()} $result\n";
