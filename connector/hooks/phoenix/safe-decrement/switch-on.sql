-- Puts OnHand's safe decrement in the place of the shop's own step. The shop keeps its row; of two rows with one code the later counts.
INSERT INTO hooks (hooks_site, hooks_group, hooks_action, hooks_code, hooks_class, hooks_method)
  VALUES ('shop', 'after', 'afterStart', '_21_update_stock', 'hook_shop_after_onhand_decrement', 'update_stock');
