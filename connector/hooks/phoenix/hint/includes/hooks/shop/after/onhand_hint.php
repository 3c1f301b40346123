<?php
/*
 * OnHand for CE Phoenix: a hint after each sale. Optional; delete this file and it is gone.
 *
 * Every way to an order ends in the pipeline "after": the checkout, and the payment modules that write the order when the
 * payment comes in. The hint goes out when the page is done; onhand-hint.php, beside the shop's index.php, says how.
 */

class hook_shop_after_onhand_hint {

  public $version = '1.0.0';

  public function listen_afterStart() {
    if (is_file(DIR_FS_CATALOG . 'onhand-hint.php')) {
      include_once DIR_FS_CATALOG . 'onhand-hint.php';
    }
  }

}
