<?php
// As an installed shop has it in includes/configure.php; shop.py fills in the words in braces.
  define('HTTP_SERVER', 'http://127.0.0.1');
  define('ENABLE_SSL', false);
  define('DIR_WS_HTTP_CATALOG', '/');
  define('DIR_WS_INCLUDES', 'includes/');

  define('DB_SERVER', '{SERVER}');
  define('DB_SERVER_USERNAME', '{USER}');
  define('DB_SERVER_PASSWORD', '{PASSWORD}');
  define('DB_DATABASE', '{DATABASE}');
  define('USE_PCONNECT', 'false');
