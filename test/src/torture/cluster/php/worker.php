<?php
// Does jobs of the functions in $argv[1] for the servers at the ports behind it, and prints when it begins and ends one.
function say(string $what, string ...$words): void {
    printf("%s %.1f %s\n", $what, microtime(true) * 1000, implode(' ', $words));
}

$worker = new GearmanWorker();
foreach (array_slice($argv, 2) as $port) $worker->addServer('127.0.0.1', (int) $port);
foreach (explode(',', $argv[1]) as $name) {
    $worker->addFunction($name, function (GearmanJob $job) {
        $workload = $job->workload();
        say('began', $job->handle(), $job->functionName(), $workload);
        usleep(random_int(0, 20000));
        say('ends', $workload);
        return "r-$workload";
    });
}
$worker->setTimeout(500);
// One that loses a server is started again: it has other servers, too, but not always the patience to ask them.
$failures = 0;
while ($failures < 20) {
    if (@$worker->work()) $failures = 0;
    elseif ($worker->returnCode() !== GEARMAN_TIMEOUT) {
        $failures++;
        usleep(100000);
    }
}
