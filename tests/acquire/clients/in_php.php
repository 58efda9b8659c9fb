<?php
// The stream wrapper of PHP, which takes no notice of SSLKEYLOGFILE.
$context = stream_context_create(['ssl' => ['cafile' => $argv[2]]]);
echo file_get_contents("https://localhost:{$argv[1]}/", false, $context);
