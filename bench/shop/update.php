<?php
/*
 * What a shop of this family has today, at its barest: one HTTP call per SKU per change, unsigned, one relative UPDATE.
 * For measurements only. It reads the shop's own configuration file, as the connector does.
 */
require __DIR__ . '/includes/configure.php';

list($host, $port) = explode(':', DB_SERVER);
$db = mysqli_connect($host, DB_SERVER_USERNAME, DB_SERVER_PASSWORD, DB_DATABASE, (int) $port);
$delta = (int) $_POST['delta'];
$product = (int) $_POST['product'];
mysqli_query($db, "UPDATE products SET products_quantity = products_quantity + $delta WHERE products_id = $product");
echo mysqli_affected_rows($db);
