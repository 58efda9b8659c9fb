<?php
// The same in PHP, by its own streams: MODE BASE REFUSED AUTHORITY TRUTH.
[, $mode, $base, $refused, $authority, $truth] = $argv;
$context = stream_context_create(['ssl' => ['cafile' => $authority], 'http' => ['timeout' => 1]]);
foreach (explode(' ', 'close reset half-close half-reset nonsense silence busy refused') as $fault) {
    $url = ($fault == 'refused' ? $refused : $base) . $fault;
    $began = microtime(true);
    error_clear_last();
    $body = $mode == 'traceback' ? file_get_contents($url, false, $context) : @file_get_contents($url, false, $context);
    $failed = $body === false || error_get_last() !== null;
    if ($failed && $mode != 'traceback') echo "GET $url failed: " . (error_get_last()['message'] ?? '') . "\n";
    file_put_contents($truth, json_encode([$fault, $began, microtime(true), $failed]) . "\n", FILE_APPEND);
}
