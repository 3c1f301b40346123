<?php
/*
 * OnHand for Gambio GX 4: a hint after each sale. It is optional; to remove it, delete the folder GXModules/OnHand and empty
 * the module cache.
 *
 * The hint is sent when the page has finished; see onhand-hint.php next to the shop's index.php.
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
