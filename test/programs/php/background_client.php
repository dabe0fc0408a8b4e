<?php
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $argv[1]);
$handle = $client->doBackground('testFunction', json_encode(['to' => 'joe@example.org', 'text' => "Grüße\n\0", 'n' => [1, 2.5, null]]));
print $handle . ' ' . $client->returnCode();
