<?php
// ==== Configuration: the shop's login and our key =========================================================

/** Returns the database login and table prefix of the shop, from its own configuration file. */
function onhand_shop_login() {
    $said = onhand_configuration();
    $login = onhand_database_server($said['DB_SERVER']) + array('user' => $said['DB_SERVER_USERNAME'],
        'password' => $said['DB_SERVER_PASSWORD'], 'database' => $said['DB_DATABASE'], 'prefix' => $said['DB_PREFIX'], 'file' => $said['file']);
    if (!preg_match('/^[A-Za-z0-9_]{0,40}$/D', $login['prefix'])) {
        throw new OnhandRefusal('config', "The table prefix in the shop's configuration file is not understood: say it in onhand-key.php.");
    }
    return $login;
}

/**
 * Splits the shop's db_server: host, host:port, [IPv6]:port, host:/socket, or only the path of a socket, as osCommerce 2.4 has it.
 * A leading p: asks mysqli to keep the connection after the request; ours must end, and our lock with it.
 */
function onhand_database_server($said) {
    $said = preg_replace('/^p:/i', '', trim($said));
    $server = array('host' => 'localhost', 'port' => 0, 'socket' => null);
    if (preg_match('#^(?:[^/:]*:)?([^:]*/.+)$#D', $said, $part)) {
        $server['socket'] = $part[1];
    } elseif (preg_match('/^([^:]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]*))?$/D', $said, $part)) {
        $server['host'] = $part[1] === '' ? 'localhost' : $part[1];
        $server['port'] = isset($part[2]) ? (int) $part[2] : 0;
    } else {
        $server['host'] = preg_match('/^[0-9A-Fa-f:.]+$/D', $said) ? "[$said]" : $said;
    }
    return $server;
}

/** Returns what the configuration file says about the database: constants, or in osCommerce 2.4 an ini text. */
function onhand_configuration() {
    $names = array('DB_SERVER' => 'db_server', 'DB_SERVER_USERNAME' => 'db_server_username', 'DB_SERVER_PASSWORD' => 'db_server_password',
        'DB_DATABASE' => 'db_database', 'DB_PREFIX' => 'db_table_prefix');
    $said = array();
    foreach (array('OSC/Conf/global.php', 'OSC/Custom/Conf/global.php') as $file) {   // Custom overrides the other
        if (is_file(onhand_shop_path("includes/$file"))) {
            $ini = null;
            @include onhand_shop_path("includes/$file");
            $said = (array) parse_ini_string((string) $ini) + $said;
        }
    }
    // In the shop's own order: if both files define something, the local one wins. Both only define constants.
    $found = (bool) $said;
    // The one of osCommerce 4 connects, redirects and exits, and is never run; its installer writes the login into the local one.
    $files = onhand_is_oscommerce4() ? array('local/configure.php') : array('local/configure.php', 'configure.php');
    foreach ($said ? array() : $files as $file) {
        if (is_file(onhand_shop_path("includes/$file"))) {
            @include onhand_shop_path("includes/$file");
            $found = true;
        }
    }
    $usual = $said ? 'OSC/Conf/global.php' : end($files);
    $settings = array();
    foreach ($names as $constant => $member) {
        $settings[$constant] = isset($said[$member]) ? (string) $said[$member] : ($said || !defined($constant) ? null : (string) constant($constant));
        if ($settings[$constant] === null && $constant === 'DB_PREFIX') {
            $settings[$constant] = '';
        } elseif ($settings[$constant] === null) {
            throw new OnhandRefusal('config', $found ? "The shop's includes/$usual does not " . ($said ? "say $member." : "define $constant.")
                : "There is no includes/$usual: onhand.php belongs in the folder of the shop's index.php.");
        }
    }
    return $settings + array('file' => "includes/$usual");
}

/** Returns whether the files next to this one belong to osCommerce 4, which must be known before its configuration is touched. */
function onhand_is_oscommerce4() {
    return is_file(onhand_shop_path('yii.php')) && is_file(onhand_shop_path('lib/common/helpers/Warehouses.php'));
}

/** Returns the path of a shop's file, by its name below the shop's folder. */
function onhand_shop_path($file) {
    return dirname(__FILE__) . '/' . $file;
}

/** Returns the beginning of a shop's file, '' if there is none. The file is read, never run. */
function onhand_shop_file($file, $bytes) {
    $path = onhand_shop_path($file);
    return is_file($path) ? (string) @file_get_contents($path, false, null, 0, $bytes) : '';
}

/** Returns tables that the shop's own list of names calls otherwise: usual name => name. Some owners edited that file. */
function onhand_renamed_tables() {
    $usual = array('PRODUCTS', 'PRODUCTS_DESCRIPTION', 'PRODUCTS_ATTRIBUTES', 'PRODUCTS_ATTRIBUTES_DOWNLOAD', 'ORDERS_PRODUCTS', 'ORDERS',
        'ORDERS_STATUS_HISTORY', 'ORDERS_TOTAL', 'CONFIGURATION', 'LANGUAGES', 'PRODUCTS_TO_CATEGORIES');
    // A name may be plain, or DB_PREFIX and a name; any other form is not understood, and the usual name is kept.
    preg_match_all('/^\s*define\(\s*[\'"]TABLE_([A-Z_]+)[\'"]\s*,\s*(DB_PREFIX\s*\.\s*)?[\'"]([A-Za-z0-9_$]{1,64})[\'"]\s*\)/m',
        onhand_shop_file('includes/database_tables.php', 100000), $lines, PREG_SET_ORDER);
    $renamed = array();
    foreach ($lines as $line) {
        if (in_array($line[1], $usual, true)) {
            $prefix = $line[2] !== '' && defined('DB_PREFIX') ? constant('DB_PREFIX') : '';
            $renamed += array(strtolower($line[1]) => $prefix . $line[3]);
        }
    }
    return $renamed;
}

/** Returns our key, which says who may ask. */
function onhand_key() {
    $file = dirname(__FILE__) . '/onhand-key.php';
    $key = is_file($file) ? @include $file : null;
    if (!is_array($key) || !isset($key['key_id'], $key['secret']) || !preg_match('/^[A-Za-z0-9_-]{1,40}$/D', $key['key_id'])
        || !preg_match('/^[0-9a-f]{64}$/Di', $key['secret'])) {
        throw new OnhandRefusal('config', 'Copy the file onhand-key.php that OnHand made for this cart next to onhand.php.');
    }
    $key += array('allow_http' => false, 'prefix' => '');
    if (!preg_match('/^[A-Za-z0-9_]{0,40}$/D', $key['prefix'])) {
        throw new OnhandRefusal('config', 'The table prefix in onhand-key.php may contain letters, digits and underscores only.');
    }
    $key['secret'] = pack('H*', $key['secret']);
    return $key;
}
