-- The shop uses its own step again.
DELETE FROM hooks WHERE hooks_class = 'hook_shop_after_onhand_decrement';
