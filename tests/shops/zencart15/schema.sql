-- The tables of Zen Cart 1.5.8a that a sale, a restock, an admin's save and the connector touch, as a real installation has them.
-- {PREFIX}, {ENGINE} and {COLLATION} are filled in by shop.py. Statements end with a semicolon at the end of a line.

CREATE TABLE {PREFIX}configuration (
  configuration_id int NOT NULL AUTO_INCREMENT,
  configuration_title text NOT NULL,
  configuration_key varchar(180) NOT NULL DEFAULT '',
  configuration_value text NOT NULL,
  configuration_description text NOT NULL,
  configuration_group_id int NOT NULL DEFAULT 0,
  sort_order int(5),
  last_modified datetime,
  date_added datetime NOT NULL DEFAULT '0001-01-01 00:00:00',
  use_function text,
  set_function text,
  val_function text,
  PRIMARY KEY (configuration_id),
  UNIQUE KEY (configuration_key),
  KEY (configuration_group_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}languages (
  languages_id int NOT NULL AUTO_INCREMENT,
  name varchar(32) NOT NULL DEFAULT '',
  code char(2) NOT NULL DEFAULT '',
  image varchar(64),
  directory varchar(32),
  sort_order int(3),
  PRIMARY KEY (languages_id),
  KEY (name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products (
  products_id int NOT NULL AUTO_INCREMENT,
  products_type int NOT NULL DEFAULT 1,
  products_quantity float NOT NULL DEFAULT 0,
  products_model varchar(32),
  products_image varchar(255),
  products_price decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_virtual tinyint(1) NOT NULL DEFAULT 0,
  products_date_added datetime NOT NULL DEFAULT '0001-01-01 00:00:00',
  products_last_modified datetime,
  products_date_available datetime,
  products_weight float NOT NULL DEFAULT 0,
  products_status tinyint(1) NOT NULL DEFAULT 0,
  products_tax_class_id int NOT NULL DEFAULT 0,
  manufacturers_id int,
  products_ordered float NOT NULL DEFAULT 0,
  products_quantity_order_min float NOT NULL DEFAULT 1,
  products_quantity_order_units float NOT NULL DEFAULT 1,
  products_priced_by_attribute tinyint(1) NOT NULL DEFAULT 0,
  product_is_free tinyint(1) NOT NULL DEFAULT 0,
  product_is_call tinyint(1) NOT NULL DEFAULT 0,
  products_quantity_mixed tinyint(1) NOT NULL DEFAULT 0,
  product_is_always_free_shipping tinyint(1) NOT NULL DEFAULT 0,
  products_qty_box_status tinyint(1) NOT NULL DEFAULT 1,
  products_quantity_order_max float NOT NULL DEFAULT 0,
  products_sort_order int NOT NULL DEFAULT 0,
  products_discount_type tinyint(1) NOT NULL DEFAULT 0,
  products_discount_type_from tinyint(1) NOT NULL DEFAULT 0,
  products_price_sorter decimal(15,4) NOT NULL DEFAULT 0.0000,
  master_categories_id int NOT NULL DEFAULT 0,
  products_mixed_discount_quantity tinyint(1) NOT NULL DEFAULT 1,
  metatags_title_status tinyint(1) NOT NULL DEFAULT 0,
  metatags_products_name_status tinyint(1) NOT NULL DEFAULT 0,
  metatags_model_status tinyint(1) NOT NULL DEFAULT 0,
  metatags_price_status tinyint(1) NOT NULL DEFAULT 0,
  metatags_title_tagline_status tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (products_id),
  KEY (products_model),
  KEY (products_date_added),
  KEY (products_date_available),
  KEY (products_status),
  KEY (manufacturers_id),
  KEY (products_ordered),
  KEY (products_sort_order),
  KEY (products_price_sorter),
  KEY (master_categories_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_description (
  products_id int NOT NULL,
  language_id int NOT NULL DEFAULT 1,
  products_name varchar(191) NOT NULL DEFAULT '',
  products_description text,
  products_url varchar(255),
  products_viewed int(5) DEFAULT 0,
  PRIMARY KEY (products_id, language_id),
  KEY (products_name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_attributes (
  products_attributes_id int NOT NULL AUTO_INCREMENT,
  products_id int NOT NULL DEFAULT 0,
  options_id int NOT NULL DEFAULT 0,
  options_values_id int NOT NULL DEFAULT 0,
  options_values_price decimal(15,4) NOT NULL DEFAULT 0.0000,
  price_prefix char(1) NOT NULL DEFAULT '',
  products_options_sort_order int NOT NULL DEFAULT 0,
  product_attribute_is_free tinyint(1) NOT NULL DEFAULT 0,
  products_attributes_weight float NOT NULL DEFAULT 0,
  products_attributes_weight_prefix char(1) NOT NULL DEFAULT '',
  attributes_display_only tinyint(1) NOT NULL DEFAULT 0,
  attributes_default tinyint(1) NOT NULL DEFAULT 0,
  attributes_discounted tinyint(1) NOT NULL DEFAULT 1,
  attributes_image varchar(255),
  attributes_price_base_included tinyint(1) NOT NULL DEFAULT 1,
  attributes_price_onetime decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_factor decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_factor_offset decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_factor_onetime decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_factor_onetime_offset decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_qty_prices text,
  attributes_qty_prices_onetime text,
  attributes_price_words decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_words_free int(4) NOT NULL DEFAULT 0,
  attributes_price_letters decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_letters_free int(4) NOT NULL DEFAULT 0,
  attributes_required tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (products_attributes_id),
  KEY (products_id),
  KEY (products_options_sort_order)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_attributes_download (
  products_attributes_id int NOT NULL DEFAULT 0,
  products_attributes_filename varchar(255) NOT NULL DEFAULT '',
  products_attributes_maxdays int(2) DEFAULT 0,
  products_attributes_maxcount int(2) DEFAULT 0,
  PRIMARY KEY (products_attributes_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_to_categories (
  products_id int NOT NULL DEFAULT 0,
  categories_id int NOT NULL DEFAULT 0,
  PRIMARY KEY (products_id, categories_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders (
  orders_id int NOT NULL AUTO_INCREMENT,
  customers_id int NOT NULL DEFAULT 0,
  customers_name varchar(64) NOT NULL DEFAULT '',
  customers_company varchar(64),
  customers_street_address varchar(64) NOT NULL DEFAULT '',
  customers_suburb varchar(32),
  customers_city varchar(32) NOT NULL DEFAULT '',
  customers_postcode varchar(10) NOT NULL DEFAULT '',
  customers_state varchar(32),
  customers_country varchar(64) NOT NULL DEFAULT '',
  customers_telephone varchar(32) NOT NULL DEFAULT '',
  customers_email_address varchar(96) NOT NULL DEFAULT '',
  customers_address_format_id int(5) NOT NULL DEFAULT 0,
  delivery_name varchar(64) NOT NULL DEFAULT '',
  delivery_company varchar(64),
  delivery_street_address varchar(64) NOT NULL DEFAULT '',
  delivery_suburb varchar(32),
  delivery_city varchar(32) NOT NULL DEFAULT '',
  delivery_postcode varchar(10) NOT NULL DEFAULT '',
  delivery_state varchar(32),
  delivery_country varchar(64) NOT NULL DEFAULT '',
  delivery_address_format_id int(5) NOT NULL DEFAULT 0,
  billing_name varchar(64) NOT NULL DEFAULT '',
  billing_company varchar(64),
  billing_street_address varchar(64) NOT NULL DEFAULT '',
  billing_suburb varchar(32),
  billing_city varchar(32) NOT NULL DEFAULT '',
  billing_postcode varchar(10) NOT NULL DEFAULT '',
  billing_state varchar(32),
  billing_country varchar(64) NOT NULL DEFAULT '',
  billing_address_format_id int(5) NOT NULL DEFAULT 0,
  payment_method varchar(128) NOT NULL DEFAULT '',
  payment_module_code varchar(32) NOT NULL DEFAULT '',
  shipping_method varchar(255),
  shipping_module_code varchar(32) NOT NULL DEFAULT '',
  coupon_code varchar(32) NOT NULL DEFAULT '',
  cc_type varchar(20),
  cc_owner varchar(64),
  cc_number varchar(32),
  cc_expires varchar(4),
  cc_cvv blob,
  last_modified datetime,
  date_purchased datetime,
  orders_status int(5) NOT NULL DEFAULT 0,
  orders_date_finished datetime,
  currency char(3),
  currency_value decimal(14,6),
  order_total decimal(15,4),
  order_tax decimal(15,4),
  paypal_ipn_id int NOT NULL DEFAULT 0,
  ip_address varchar(96) NOT NULL DEFAULT '',
  order_weight float,
  language_code char(2) NOT NULL DEFAULT '',
  PRIMARY KEY (orders_id),
  KEY (customers_id),
  KEY (date_purchased),
  KEY (orders_status)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products (
  orders_products_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL DEFAULT 0,
  products_id int NOT NULL DEFAULT 0,
  products_model varchar(32),
  products_name varchar(191) NOT NULL DEFAULT '',
  products_price decimal(15,4) NOT NULL DEFAULT 0.0000,
  final_price decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_tax decimal(7,4) NOT NULL DEFAULT 0.0000,
  products_quantity float NOT NULL DEFAULT 0,
  onetime_charges decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_priced_by_attribute tinyint(1) NOT NULL DEFAULT 0,
  product_is_free tinyint(1) NOT NULL DEFAULT 0,
  products_discount_type tinyint(1) NOT NULL DEFAULT 0,
  products_discount_type_from tinyint(1) NOT NULL DEFAULT 0,
  products_prid tinytext NOT NULL,
  products_weight float,
  products_virtual tinyint(1),
  product_is_always_free_shipping tinyint(1),
  products_quantity_order_min float,
  products_quantity_order_units float,
  products_quantity_order_max float,
  products_quantity_mixed tinyint(1),
  products_mixed_discount_quantity tinyint(1),
  PRIMARY KEY (orders_products_id),
  KEY (orders_id),
  KEY (products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products_attributes (
  orders_products_attributes_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL DEFAULT 0,
  orders_products_id int NOT NULL DEFAULT 0,
  products_options varchar(32) NOT NULL DEFAULT '',
  products_options_values text NOT NULL,
  options_values_price decimal(15,4) NOT NULL DEFAULT 0.0000,
  price_prefix char(1) NOT NULL DEFAULT '',
  product_attribute_is_free tinyint(1) NOT NULL DEFAULT 0,
  products_attributes_weight float NOT NULL DEFAULT 0,
  products_attributes_weight_prefix char(1) NOT NULL DEFAULT '',
  attributes_discounted tinyint(1) NOT NULL DEFAULT 1,
  attributes_price_base_included tinyint(1) NOT NULL DEFAULT 1,
  attributes_price_onetime decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_factor decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_factor_offset decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_factor_onetime decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_factor_onetime_offset decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_qty_prices text,
  attributes_qty_prices_onetime text,
  attributes_price_words decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_words_free int(4) NOT NULL DEFAULT 0,
  attributes_price_letters decimal(15,4) NOT NULL DEFAULT 0.0000,
  attributes_price_letters_free int(4) NOT NULL DEFAULT 0,
  products_options_id int NOT NULL DEFAULT 0,
  products_options_values_id int NOT NULL DEFAULT 0,
  products_prid tinytext NOT NULL,
  PRIMARY KEY (orders_products_attributes_id),
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status (
  orders_status_id int NOT NULL DEFAULT 0,
  language_id int NOT NULL DEFAULT 1,
  orders_status_name varchar(32) NOT NULL DEFAULT '',
  sort_order int NOT NULL DEFAULT 0,
  PRIMARY KEY (orders_status_id, language_id),
  KEY (orders_status_name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status_history (
  orders_status_history_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL DEFAULT 0,
  orders_status_id int(5) NOT NULL DEFAULT 0,
  date_added datetime NOT NULL DEFAULT '0001-01-01 00:00:00',
  customer_notified int(1) DEFAULT 0,
  comments text,
  updated_by varchar(45) NOT NULL DEFAULT '',
  PRIMARY KEY (orders_status_history_id),
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_total (
  orders_total_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL DEFAULT 0,
  title varchar(255) NOT NULL DEFAULT '',
  text varchar(255) NOT NULL DEFAULT '',
  value decimal(15,4) NOT NULL DEFAULT 0.0000,
  class varchar(32) NOT NULL DEFAULT '',
  sort_order int NOT NULL DEFAULT 0,
  PRIMARY KEY (orders_total_id),
  KEY (orders_id),
  KEY (class)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}project_version (
  project_version_id tinyint(3) NOT NULL AUTO_INCREMENT PRIMARY KEY,
  project_version_key varchar(40) NOT NULL DEFAULT '' UNIQUE,
  project_version_major varchar(20) NOT NULL DEFAULT '',
  project_version_minor varchar(20) NOT NULL DEFAULT ''
) ENGINE={ENGINE} {COLLATION};

INSERT INTO {PREFIX}project_version (project_version_key, project_version_major, project_version_minor) VALUES
  ('Zen-Cart Main', '1', '5.8a'), ('Zen-Cart Database', '1', '5.8a');
