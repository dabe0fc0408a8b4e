<?php
// The calls of the "do" family one after the other; one line for each.
$client = new GearmanClient();
$client->addServer('127.0.0.1', (int) $argv[1]);
print 'ping ' . var_export($client->ping('are you there'), true) . "\n";
// Data that comes before the end is put before the result.
foreach (['doNormal', 'doHigh', 'doLow'] as $do) {
    print "$do " . $client->$do('upper', 'hello') . ' ' . $client->returnCode() . "\n";
}
$client->doNormal('fail', 'x');
print 'fail ' . ($client->returnCode() === GEARMAN_WORK_FAIL ? 'is GEARMAN_WORK_FAIL' : $client->returnCode()) . "\n";
$result = $client->doNormal('throw', 'way');
print 'throw ' . ($client->returnCode() === GEARMAN_WORK_EXCEPTION ? 'is GEARMAN_WORK_EXCEPTION' : $client->returnCode()) . " $result\n";
print 'unique ' . implode(', ', array_slice(explode('|', $client->doNormal('unique', 'x', 'my own-key')), 0, 2)) . "\n";
print 'unique made by the library: ' . strlen(explode('|', $client->doNormal('unique', 'x'))[0]) . " bytes\n";
print 'big ' . (strlen($client->doNormal('reverse', str_repeat('0123456789', 100000))) === 1000000 ? 'whole' : 'cut') . "\n";
