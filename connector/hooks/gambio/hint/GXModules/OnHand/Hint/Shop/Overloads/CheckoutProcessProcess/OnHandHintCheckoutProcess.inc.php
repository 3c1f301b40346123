<?php
/*
 * OnHand for Gambio GX 4: a hint after each sale. Optional; delete the folder GXModules/OnHand and empty the
 * module cache, and it is gone.
 *
 * The hint goes out when the page is done; onhand-hint.php, beside the shop's index.php, says how.
 */

class OnHandHintCheckoutProcess extends OnHandHintCheckoutProcess_parent
{
    public function process_products()
    {
        parent::process_products();
        if (is_file(DIR_FS_CATALOG . 'onhand-hint.php')) {
            include_once DIR_FS_CATALOG . 'onhand-hint.php';
        }
    }
}
