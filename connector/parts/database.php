<?php
// ==== The database ========================================================================================

/** One connection, over mysqli or, where that is missing, PDO. */
class OnhandDatabase {
    public $forgiving = false;            // whether a missing table is no reason for an entry in the error log
    private $mysqli = null, $pdo = null, $name, $file, $place;

    public function __construct($login) {
        $this->name = $login['database'];
        $this->file = $login['file'];     // the file with the login, to name it to a person
        $this->place = $login['socket'] !== null ? $login['socket'] : $login['host'] . ($login['port'] ? ':' . $login['port'] : '');
        if (function_exists('mysqli_init')) {
            $this->open_mysqli($login);
        } elseif (class_exists('PDO') && in_array('mysql', PDO::getAvailableDrivers(), true)) {
            $this->open_pdo($login);
        } else {
            throw new OnhandRefusal('config', 'This PHP has neither mysqli nor PDO for MySQL: have one of them switched on.');
        }
        // One text mode for every server, and no strictness: what a column cannot hold is found out before writing.
        // Our table must be InnoDB or not exist at all.
        $mode = "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'";
        try {
            $this->run($mode . ', lock_wait_timeout = ' . ONHAND_SHOP_LOCK_SECONDS
                . ', innodb_lock_wait_timeout = ' . ONHAND_SHOP_LOCK_SECONDS);
        } catch (OnhandRefusal $refusal) {    // MySQL before 5.5 has no such limits
            $this->run($mode);
        }
    }

    private function open_mysqli($login) {
        mysqli_report(MYSQLI_REPORT_OFF);
        $this->mysqli = mysqli_init();
        mysqli_options($this->mysqli, MYSQLI_OPT_CONNECT_TIMEOUT, 5);
        if (!@mysqli_real_connect($this->mysqli, $login['host'], $login['user'], $login['password'], $login['database'],
            $login['port'], $login['socket'])) {
            $this->refuse(mysqli_connect_errno(), mysqli_connect_error());
        }
        if (!mysqli_set_charset($this->mysqli, 'utf8mb4')) {
            mysqli_set_charset($this->mysqli, 'utf8');
        }
    }

    private function open_pdo($login) {
        $where = $login['socket'] !== null ? 'unix_socket=' . $login['socket']
            : 'host=' . $login['host'] . ($login['port'] ? ';port=' . $login['port'] : '');
        try {
            $this->pdo = new PDO('mysql:' . $where . ';dbname=' . $login['database'], $login['user'], $login['password'],
                array(PDO::ATTR_ERRMODE => PDO::ERRMODE_SILENT, PDO::ATTR_TIMEOUT => 5));
        } catch (PDOException $problem) {
            $this->refuse((int) $problem->getCode(), $problem->getMessage());
        }
        if ($this->pdo->exec('SET NAMES utf8mb4') === false) {
            $this->run('SET NAMES utf8');
        }
    }

    /** Waits for earlier requests of OnHand to this shop. The lock is held until the connection ends. */
    public function lock($prefix) {
        $row = $this->row("SELECT GET_LOCK('onhand:" . md5($this->name . '|' . $prefix) . "', " . ONHAND_LOCK_SECONDS . ')');
        return (int) $row[0] === 1;
    }

    /** Lets all later reads see one moment of the shop, on engines that can. */
    public function snapshot() {
        $this->run('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        $this->run('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    }

    /** Returns all rows, as lists. */
    public function rows($sql) {
        $result = $this->run($sql);
        if ($this->pdo) {
            return $result->fetchAll(PDO::FETCH_NUM);
        }
        $rows = array();
        while ($row = mysqli_fetch_row($result)) {
            $rows[] = $row;
        }
        return $rows;
    }

    /** Returns the first row as a list, or null. */
    public function row($sql) {
        $rows = $this->rows($sql);
        return $rows ? $rows[0] : null;
    }

    public function run($sql) {
        $result = $this->pdo ? $this->pdo->query($sql) : mysqli_query($this->mysqli, $sql);
        if ($result === false) {
            $error = $this->pdo ? $this->pdo->errorInfo() : array('', mysqli_errno($this->mysqli), mysqli_error($this->mysqli));
            $this->refuse((int) $error[1], $error[2]);
        }
        return $result;
    }

    /** Runs a statement that writes; returns how many rows it changed. */
    public function change($sql) {
        $result = $this->run($sql);
        return $this->pdo ? $result->rowCount() : mysqli_affected_rows($this->mysqli);
    }

    /** Says, by the server's error number, what a person can do. The server's own words go to the error log only. */
    private function refuse($number, $words) {
        if (!($this->forgiving && $number === 1146)) {
            onhand_if_allowed('error_log', "OnHand connector: database error $number: $words");
        }
        if ($number === 1146 || $number === 1054) {
            throw new OnhandRefusal('tables', "The shop's database lacks a table or column of the osCommerce family (error $number):"
                . " check the table prefix in onhand-key.php and the database in $this->file.");
        }
        if ($number === 1205 || $number === 1213) {
            throw new OnhandRefusal('busy', "The shop's own programs hold what is needed (error $number); try again in a few seconds.");
        }
        $advice = array(
            1044 => "the user named in $this->file may not use this database",
            1045 => "user or password in $this->file are wrong",
            1049 => "the database named in $this->file does not exist",
            1142 => "the user named in $this->file needs the rights SELECT, UPDATE, INSERT and CREATE",
            1114 => 'it is full', 1021 => 'its disk is full',
            1290 => 'it is switched to read-only', 1792 => 'it is switched to read-only', 1836 => 'it is switched to read-only',
            1040 => 'it has too many connections', 1203 => 'it has too many connections', 1226 => 'a limit of the host is used up',
            1286 => 'it has no InnoDB, which the table onhand_state needs', 2002 => "it does not answer at $this->place, as $this->file has it",
            2003 => "it does not answer at $this->place, as $this->file has it", 2005 => "the host $this->place, which $this->file names, is not known",
        );
        throw new OnhandRefusal('database', "The shop's database refuses (error $number): "
            . (isset($advice[$number]) ? $advice[$number] : "see the web server's error log") . '.');
    }
}
