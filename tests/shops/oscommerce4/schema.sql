-- The tables of osCommerce 4 (build 63493) as far as stock, sales and names touch them, with the columns that matter.
-- Put together from what the shop's models, statements and migrations name: its own install file is not public, so types and
-- indexes are inferred. The shop speaks to its database with sql_mode = '' and SET NAMES utf8.

CREATE TABLE {PREFIX}products (
  products_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  parent_products_id INT NOT NULL DEFAULT 0,
  products_id_stock INT NOT NULL DEFAULT 0,
  products_id_price INT NOT NULL DEFAULT 0,
  products_quantity INT NOT NULL DEFAULT 0,
  allocated_stock_quantity INT NOT NULL DEFAULT 0,
  temporary_stock_quantity INT NOT NULL DEFAULT 0,
  warehouse_stock_quantity INT NOT NULL DEFAULT 0,
  suppliers_stock_quantity INT NOT NULL DEFAULT 0,
  ordered_stock_quantity INT NOT NULL DEFAULT 0,
  products_model VARCHAR(255) DEFAULT NULL,
  products_date_added DATETIME NOT NULL DEFAULT '1970-01-02 00:00:00',
  products_last_modified DATETIME DEFAULT NULL,
  products_status TINYINT NOT NULL DEFAULT 0,
  products_status_bundle TINYINT NOT NULL DEFAULT 1,
  previous_status TINYINT DEFAULT NULL,
  sub_product_prev_status TINYINT DEFAULT NULL,
  sub_product_children_count INT NOT NULL DEFAULT 0,
  manual_control_status TINYINT NOT NULL DEFAULT 0,
  manual_stock_unlimited TINYINT NOT NULL DEFAULT 0,
  manufacturers_id INT DEFAULT NULL,
  products_ordered INT NOT NULL DEFAULT 0,
  products_file VARCHAR(255) NOT NULL DEFAULT '',
  products_price_full INT NOT NULL DEFAULT 0,
  is_virtual TINYINT NOT NULL DEFAULT 0,
  is_bundle TINYINT NOT NULL DEFAULT 0,
  without_inventory TINYINT NOT NULL DEFAULT 0,
  pack_unit INT NOT NULL DEFAULT 0,
  packaging INT NOT NULL DEFAULT 0,
  stock_limit INT NOT NULL DEFAULT -1,
  stock_control TINYINT NOT NULL DEFAULT 0,
  stock_indication_id INT NOT NULL DEFAULT 0,
  stock_delivery_terms_id INT NOT NULL DEFAULT 0,
  KEY products_model (products_model)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_description (
  products_id INT NOT NULL,
  language_id INT NOT NULL DEFAULT 1,
  platform_id INT NOT NULL DEFAULT 1,
  department_id INT NOT NULL DEFAULT 0,
  products_name VARCHAR(255) NOT NULL DEFAULT '',
  PRIMARY KEY (products_id, language_id, platform_id, department_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_attributes (
  products_attributes_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  products_id INT NOT NULL, options_id INT NOT NULL, options_values_id INT NOT NULL,
  products_attributes_filename VARCHAR(255) NOT NULL DEFAULT ''
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_stock_indication (
  stock_indication_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  stock_code VARCHAR(32) NOT NULL DEFAULT '', sort_order INT NOT NULL DEFAULT 0,
  is_default TINYINT NOT NULL DEFAULT 0, is_hidden TINYINT NOT NULL DEFAULT 0,
  allow_out_of_stock_checkout TINYINT NOT NULL DEFAULT 0, allow_out_of_stock_add_to_cart TINYINT NOT NULL DEFAULT 0,
  allow_in_stock_notify TINYINT NOT NULL DEFAULT 0, disable_product_on_oos TINYINT NOT NULL DEFAULT 0,
  reset_status_on_oos TINYINT NOT NULL DEFAULT 0, request_for_quote TINYINT NOT NULL DEFAULT 0,
  display_virtual_options TINYINT NOT NULL DEFAULT 0
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}inventory (
  inventory_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  products_id VARCHAR(160) NOT NULL, prid INT NOT NULL,
  products_name VARCHAR(255) NOT NULL DEFAULT '', products_model VARCHAR(255) NOT NULL DEFAULT '',
  products_quantity INT NOT NULL DEFAULT 0, allocated_stock_quantity INT NOT NULL DEFAULT 0,
  temporary_stock_quantity INT NOT NULL DEFAULT 0, warehouse_stock_quantity INT NOT NULL DEFAULT 0,
  suppliers_stock_quantity INT NOT NULL DEFAULT 0, ordered_stock_quantity INT NOT NULL DEFAULT 0,
  stock_control TINYINT NOT NULL DEFAULT 0, non_existent TINYINT NOT NULL DEFAULT 0,
  KEY products_id (products_id), KEY prid (prid)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}platforms (
  platform_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  platform_name VARCHAR(255) NOT NULL DEFAULT '', status TINYINT NOT NULL DEFAULT 1, is_default TINYINT NOT NULL DEFAULT 0,
  is_virtual TINYINT NOT NULL DEFAULT 0, is_marketplace TINYINT NOT NULL DEFAULT 0, sort_order INT NOT NULL DEFAULT 0,
  default_language VARCHAR(8) NOT NULL DEFAULT '', need_login TINYINT NOT NULL DEFAULT 0, platform_url VARCHAR(255) NOT NULL DEFAULT ''
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}platforms_products (platform_id INT NOT NULL, products_id INT NOT NULL, PRIMARY KEY (platform_id, products_id))
  ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}platforms_configuration (
  configuration_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  configuration_key VARCHAR(128) NOT NULL, configuration_value TEXT NOT NULL, platform_id INT NOT NULL DEFAULT 0,
  KEY configuration_key (configuration_key)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}configuration (
  configuration_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  configuration_title VARCHAR(255) NOT NULL DEFAULT '', configuration_key VARCHAR(128) NOT NULL, configuration_value TEXT NOT NULL,
  configuration_group_id VARCHAR(128) NOT NULL DEFAULT '',
  KEY configuration_key (configuration_key)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}languages (
  languages_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(32) NOT NULL DEFAULT '', code VARCHAR(2) NOT NULL DEFAULT '', directory VARCHAR(32) NOT NULL DEFAULT '',
  languages_status TINYINT NOT NULL DEFAULT 1, sort_order INT DEFAULT NULL
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}warehouses (
  warehouse_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  warehouse_owner VARCHAR(255) NOT NULL DEFAULT '', warehouse_name VARCHAR(255) NOT NULL DEFAULT '', status TINYINT NOT NULL DEFAULT 1,
  is_default TINYINT NOT NULL DEFAULT 0, is_store TINYINT NOT NULL DEFAULT 0, sort_order INT NOT NULL DEFAULT 0
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}warehouses_to_platforms (
  warehouse_id INT NOT NULL, platform_id INT NOT NULL, status TINYINT NOT NULL DEFAULT 1, sort_order INT NOT NULL DEFAULT 0,
  PRIMARY KEY (warehouse_id, platform_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}suppliers (
  suppliers_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  suppliers_name VARCHAR(255) NOT NULL DEFAULT '', is_default TINYINT NOT NULL DEFAULT 0, status TINYINT NOT NULL DEFAULT 1,
  sort_order INT NOT NULL DEFAULT 0, date_added DATETIME DEFAULT NULL, last_modified DATETIME DEFAULT NULL
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}suppliers_products (
  products_id INT NOT NULL, uprid VARCHAR(160) NOT NULL DEFAULT '', suppliers_id INT NOT NULL,
  suppliers_price DECIMAL(15,6) NOT NULL DEFAULT 0, suppliers_quantity INT NOT NULL DEFAULT 0, status TINYINT NOT NULL DEFAULT 1,
  is_default TINYINT NOT NULL DEFAULT 0, sort_order INT DEFAULT NULL, landed_price DECIMAL(15,6) DEFAULT NULL,
  date_added DATETIME DEFAULT NULL, last_modified DATETIME DEFAULT NULL,
  PRIMARY KEY (products_id, uprid, suppliers_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}warehouses_products (
  warehouse_id INT NOT NULL, products_id VARCHAR(160) NOT NULL, suppliers_id INT NOT NULL DEFAULT 0, location_id INT NOT NULL DEFAULT 0,
  layers_id INT NOT NULL DEFAULT 0, batch_id INT NOT NULL DEFAULT 0,
  prid INT NOT NULL, products_model VARCHAR(255) NOT NULL DEFAULT '',
  products_quantity INT NOT NULL DEFAULT 0, allocated_stock_quantity INT NOT NULL DEFAULT 0,
  temporary_stock_quantity INT NOT NULL DEFAULT 0, warehouse_stock_quantity INT NOT NULL DEFAULT 0, ordered_stock_quantity INT NOT NULL DEFAULT 0,
  PRIMARY KEY (warehouse_id, products_id, suppliers_id, location_id, layers_id, batch_id),
  KEY idx_prid (prid), KEY idx_layers_id (layers_id), KEY idx_batch_id (batch_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}temporary_stock (
  temporary_stock_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  warehouse_id INT NOT NULL, suppliers_id INT NOT NULL DEFAULT 0, location_id INT NOT NULL DEFAULT 0, layers_id INT NOT NULL DEFAULT 0,
  batch_id INT NOT NULL DEFAULT 0, session_id VARCHAR(128) NOT NULL DEFAULT '', customers_id INT NOT NULL DEFAULT 0, prid INT NOT NULL,
  parent_id INT NOT NULL DEFAULT 0, products_id VARCHAR(160) NOT NULL, normalize_id VARCHAR(160) NOT NULL, child_id VARCHAR(160) NOT NULL DEFAULT '',
  temporary_stock_quantity INT NOT NULL DEFAULT 0, not_available_quantity INT NOT NULL DEFAULT 0, temporary_stock_datetime DATETIME DEFAULT NULL,
  specials_id INT NOT NULL DEFAULT 0
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders (
  orders_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  platform_id INT NOT NULL DEFAULT 1, customers_id INT NOT NULL DEFAULT 0, customers_name VARCHAR(255) NOT NULL DEFAULT '',
  customers_email_address VARCHAR(255) NOT NULL DEFAULT '', shipping_class VARCHAR(255) NOT NULL DEFAULT '',
  last_modified DATETIME DEFAULT NULL, date_purchased DATETIME DEFAULT NULL, orders_status INT NOT NULL DEFAULT 0,
  stock_updated TINYINT NOT NULL DEFAULT 0, orders_allocate_allow TINYINT NOT NULL DEFAULT 0
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products (
  orders_products_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  orders_id INT NOT NULL, products_id INT NOT NULL, products_model VARCHAR(255) DEFAULT NULL, products_name VARCHAR(255) NOT NULL DEFAULT '',
  products_quantity INT NOT NULL DEFAULT 0, uprid VARCHAR(160) NOT NULL DEFAULT '', template_uprid VARCHAR(160) NOT NULL DEFAULT '',
  parent_product VARCHAR(160) NOT NULL DEFAULT '', sub_products TEXT DEFAULT NULL, relation_type VARCHAR(32) NOT NULL DEFAULT '',
  is_giveaway TINYINT NOT NULL DEFAULT 0, is_virtual TINYINT NOT NULL DEFAULT 0,
  qty_cnld INT NOT NULL DEFAULT 0, qty_rcvd INT NOT NULL DEFAULT 0, qty_dspd INT NOT NULL DEFAULT 0, qty_dlvd INT NOT NULL DEFAULT 0,
  orders_products_status INT NOT NULL DEFAULT 0, orders_products_status_manual INT NOT NULL DEFAULT 0,
  KEY orders_id (orders_id), KEY products_id (products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products_allocate (
  orders_products_id INT NOT NULL, warehouse_id INT NOT NULL, suppliers_id INT NOT NULL, location_id INT NOT NULL DEFAULT 0,
  layers_id INT NOT NULL DEFAULT 0, batch_id INT NOT NULL DEFAULT 0,
  platform_id INT NOT NULL DEFAULT 0, orders_id INT NOT NULL, prid INT NOT NULL, products_id VARCHAR(160) NOT NULL,
  allocate_received INT NOT NULL DEFAULT 0, allocate_dispatched INT NOT NULL DEFAULT 0, allocate_delivered INT NOT NULL DEFAULT 0,
  is_temporary TINYINT NOT NULL DEFAULT 0, datetime DATETIME DEFAULT NULL, suppliers_price DECIMAL(15,6) NOT NULL DEFAULT 0,
  PRIMARY KEY (orders_products_id, warehouse_id, suppliers_id, location_id, layers_id, batch_id),
  KEY idx_layers_id (layers_id), KEY idx_batch_id (batch_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status (
  orders_status_id INT NOT NULL, orders_status_groups_id INT NOT NULL, language_id INT NOT NULL DEFAULT 1,
  orders_status_name VARCHAR(64) NOT NULL DEFAULT '',
  automated TINYINT NOT NULL DEFAULT 0, order_evaluation_state_id INT NOT NULL DEFAULT 0, order_evaluation_state_default TINYINT NOT NULL DEFAULT 0,
  orders_status_allocate_allow TINYINT NOT NULL DEFAULT 0, orders_status_release_deferred TINYINT NOT NULL DEFAULT 0,
  PRIMARY KEY (orders_status_id, language_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status_history (
  orders_status_history_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  orders_id INT NOT NULL, orders_status_id INT NOT NULL, date_added DATETIME DEFAULT NULL, customer_notified TINYINT DEFAULT 0,
  comments TEXT, admin_id INT NOT NULL DEFAULT 0, smscomments TEXT, KEY orders_id (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}stock_history (
  stock_history_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  warehouse_id INT NOT NULL DEFAULT 0, suppliers_id INT NOT NULL DEFAULT 0, location_id INT NOT NULL DEFAULT 0, layers_id INT NOT NULL DEFAULT 0,
  batch_id INT NOT NULL DEFAULT 0, products_id VARCHAR(160) NOT NULL DEFAULT '', prid INT NOT NULL DEFAULT 0,
  products_model VARCHAR(255) NOT NULL DEFAULT '', products_quantity_before INT NOT NULL DEFAULT 0, warehouse_quantity_before INT NOT NULL DEFAULT 0,
  products_quantity_update_prefix CHAR(1) NOT NULL DEFAULT '', products_quantity_update INT NOT NULL DEFAULT 0,
  comments TEXT, orders_id INT NOT NULL DEFAULT 0, admin_id INT NOT NULL DEFAULT 0, is_temporary TINYINT NOT NULL DEFAULT 0,
  date_added DATETIME DEFAULT NULL, relation_type VARCHAR(32) NOT NULL DEFAULT '', parent_id INT NOT NULL DEFAULT 0,
  parent_products_model VARCHAR(255) NOT NULL DEFAULT '', parent_products_name VARCHAR(255) NOT NULL DEFAULT '',
  KEY idx_layers_id (layers_id), KEY idx_batch_id (batch_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_total (
  orders_total_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  orders_id INT NOT NULL, title VARCHAR(255) NOT NULL DEFAULT '', class VARCHAR(32) NOT NULL DEFAULT '', sort_order INT NOT NULL DEFAULT 0,
  KEY orders_id (orders_id)
) ENGINE={ENGINE} {COLLATION};
