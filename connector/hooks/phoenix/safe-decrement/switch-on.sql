-- Replaces the shop's own step by OnHand's safe decrement. The shop's row stays; of two rows with the same code, the later one counts.
INSERT INTO hooks (hooks_site, hooks_group, hooks_action, hooks_code, hooks_class, hooks_method)
  VALUES ('shop', 'after', 'afterStart', '_21_update_stock', 'hook_shop_after_onhand_decrement', 'update_stock');
