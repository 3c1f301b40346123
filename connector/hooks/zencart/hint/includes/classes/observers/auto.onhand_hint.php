<?php
/*
 * OnHand for Zen Cart: a hint after each sale. It is optional; to remove it, delete this file.
 *
 * The checkout and payment notifications write an order's products with the same method of the class order, which ends with the
 * event below. The hint is sent when the page has finished; see onhand-hint.php next to the shop's index.php.
 */

class zcObserverOnhandHint extends base
{
    public function __construct()
    {
        $this->attach($this, array('NOTIFY_ORDER_AFTER_ORDER_CREATE_ADD_PRODUCTS'));
    }

    public function update()
    {
        if (is_file(DIR_FS_CATALOG . 'onhand-hint.php')) {
            include_once DIR_FS_CATALOG . 'onhand-hint.php';
        }
    }
}
