<?php
// Asks for a job by handle and by unique while it waits, runs and is over. Goes on when a line comes on stdin.
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $argv[1]);
$handle = $client->doBackground('step', 'x', 'my-unique');
$show = function (string $when) use ($client, $handle) {
    print "$when " . json_encode($client->jobStatus($handle)) . ' ' . json_encode($client->jobStatusByUniqueKey('my-unique')) . "\n";
};
$show('waiting');
fgets(STDIN);
$show('running');
fgets(STDIN);
$show('over');
print 'unknown ' . json_encode($client->jobStatus('H:nobody:1')) . ' ' . json_encode($client->jobStatusByUniqueKey('nobody')) . "\n";
