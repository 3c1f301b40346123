<?php
/*
 * OnHand for Zen Cart: a hint after each sale. Optional; delete this file and it is gone.
 *
 * Every way to an order, the checkout and the payment notifications, writes its products by the same method of the class order,
 * which ends with the event below. The hint goes out when the page is done; onhand-hint.php, beside the shop's index.php, says how.
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
