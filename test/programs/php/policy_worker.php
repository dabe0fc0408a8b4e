<?php
// Does with each job what the next line on stdin says: "done RESULT", "fail", or "throw REASON". $argv[2]: its client id;
// then the functions that it can do.
$worker = new GearmanWorker();
$worker->addServer('127.0.0.1', (int) $argv[1]);
$worker->setId($argv[2]);
$has = false;
foreach (array_slice($argv, 3) as $function) {
    $worker->addFunction($function, function (GearmanJob $job) use (&$has) {
        $has = true;
        print "has {$job->functionName()} {$job->workload()}\n";
        [$word, $text] = explode(' ', trim(fgets(STDIN)) . ' ', 2);
        if ($word === 'done') return trim($text);
        if ($word === 'throw') $job->sendException(trim($text));
        $job->setReturn($word === 'throw' ? GEARMAN_WORK_EXCEPTION : GEARMAN_WORK_FAIL);
    });
}
while (true) {
    @$worker->work();
    if ($has) print "said\n";
    $has = false;
}
