<?php
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $argv[1]);
print $client->doNormal('reverse', 'Hello World!');
