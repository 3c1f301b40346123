-- The tables of osCMax 2.5.5 that a sale, a restock, an admin's save and the connector touch, as a real installation has them.
-- {PREFIX}, {ENGINE} and {COLLATION} are filled in by shop.py. Statements end with a semicolon at the end of a line.

CREATE TABLE {PREFIX}configuration (
  configuration_id int NOT NULL AUTO_INCREMENT,
  configuration_title varchar(255) NOT NULL,
  configuration_key varchar(255) NOT NULL,
  configuration_value varchar(512) NOT NULL,
  configuration_description varchar(255) NOT NULL,
  configuration_group_id int NOT NULL,
  sort_order int(5),
  last_modified datetime,
  date_added datetime NOT NULL,
  use_function varchar(255),
  set_function text,
  PRIMARY KEY (configuration_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}languages (
  languages_id int NOT NULL AUTO_INCREMENT,
  name varchar(32) NOT NULL,
  code char(2) NOT NULL,
  image varchar(64),
  directory varchar(32),
  sort_order int(3),
  meta_keywords varchar(255),
  PRIMARY KEY (languages_id),
  KEY (name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products (
  products_id int NOT NULL AUTO_INCREMENT,
  products_quantity int(4) NOT NULL,
  products_model varchar(24),
  products_image varchar(80),
  products_msrp decimal(15,4) NOT NULL,
  products_price decimal(15,4) NOT NULL,
  products_date_added datetime NOT NULL,
  products_last_modified datetime,
  products_date_available datetime,
  products_featured_until date,
  products_weight decimal(10,4) NOT NULL,
  products_status tinyint(1) NOT NULL,
  products_featured tinyint(1) DEFAULT 0,
  products_tax_class_id int NOT NULL,
  manufacturers_id int,
  products_ordered int NOT NULL DEFAULT 0,
  products_length decimal(6,2) NOT NULL DEFAULT 12.00,
  products_width decimal(6,2) NOT NULL DEFAULT 12.00,
  products_height decimal(6,2) NOT NULL DEFAULT 12.00,
  products_ready_to_ship int(1) NOT NULL DEFAULT 0,
  products_hide_from_groups varchar(255) NOT NULL DEFAULT '@',
  products_qty_blocks int(4) NOT NULL DEFAULT 1,
  products_min_order_qty int(4) NOT NULL DEFAULT 1,
  products_ship_sep tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (products_id),
  KEY (products_model),
  KEY (products_date_added)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_description (
  products_id int NOT NULL,
  language_id int NOT NULL DEFAULT 1,
  products_name varchar(64) NOT NULL,
  products_short text,
  products_description text,
  tab1 text,
  tab2 text,
  tab3 text,
  tab4 text,
  tab5 text,
  tab6 text,
  products_url varchar(255),
  products_viewed int(5) DEFAULT 0,
  PRIMARY KEY (products_id, language_id),
  KEY (products_name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_attributes (
  products_attributes_id int NOT NULL AUTO_INCREMENT,
  products_id int NOT NULL,
  options_id int NOT NULL,
  options_values_id int NOT NULL,
  code_suffix varchar(16) NOT NULL,
  suffix_sort_order int(4) NOT NULL DEFAULT 0,
  options_values_price decimal(15,4) NOT NULL,
  price_prefix char(1) NOT NULL,
  weight_prefix char(1) NOT NULL,
  options_values_weight decimal(6,3) NOT NULL DEFAULT 0.000,
  products_options_sort_order int(10) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (products_attributes_id),
  KEY (products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_attributes_download (
  products_attributes_id int NOT NULL,
  products_attributes_filename varchar(255) NOT NULL,
  products_attributes_maxdays int(2) DEFAULT 0,
  products_attributes_maxcount int(2) DEFAULT 0,
  PRIMARY KEY (products_attributes_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_to_categories (
  products_id int NOT NULL,
  categories_id int NOT NULL,
  PRIMARY KEY (products_id, categories_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders (
  orders_id int NOT NULL AUTO_INCREMENT,
  customers_id int NOT NULL,
  customers_name varchar(64) NOT NULL,
  customers_company varchar(32),
  customers_street_address varchar(64) NOT NULL,
  customers_suburb varchar(32),
  customers_city varchar(32) NOT NULL,
  customers_postcode varchar(10) NOT NULL,
  customers_state varchar(32),
  customers_country varchar(32) NOT NULL,
  customers_telephone varchar(32) NOT NULL,
  customers_email_address varchar(96) NOT NULL,
  customers_address_format_id int(5) NOT NULL,
  customers_dummy_account tinyint(3) unsigned NOT NULL,
  delivery_name varchar(64) NOT NULL,
  delivery_company varchar(32),
  delivery_street_address varchar(64) NOT NULL,
  delivery_suburb varchar(32),
  delivery_city varchar(32) NOT NULL,
  delivery_postcode varchar(10) NOT NULL,
  delivery_state varchar(32),
  delivery_country varchar(32) NOT NULL,
  delivery_address_format_id int(5) NOT NULL,
  delivery_date datetime NOT NULL,
  billing_name varchar(64) NOT NULL,
  billing_company varchar(32),
  billing_street_address varchar(64) NOT NULL,
  billing_suburb varchar(32),
  billing_city varchar(32) NOT NULL,
  billing_postcode varchar(10) NOT NULL,
  billing_state varchar(32),
  billing_country varchar(32) NOT NULL,
  billing_address_format_id int(5) NOT NULL,
  payment_method varchar(255) NOT NULL,
  cc_type varchar(20),
  cc_owner varchar(64),
  cc_number varchar(32),
  cc_expires varchar(4),
  last_modified datetime,
  date_purchased datetime,
  orders_status int(5) NOT NULL,
  orders_date_finished datetime,
  currency char(3),
  currency_value decimal(14,6),
  paypal_ipn_id int NOT NULL DEFAULT 0,
  fedex_tracking varchar(20) NOT NULL,
  purchased_without_account tinyint(1) unsigned NOT NULL DEFAULT 0,
  shipping_tax decimal(7,4) NOT NULL DEFAULT 0.0000,
  shipping_module varchar(255),
  PRIMARY KEY (orders_id),
  KEY (customers_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products (
  orders_products_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  products_id int NOT NULL,
  products_model varchar(24),
  products_code varchar(40) NOT NULL,
  products_name varchar(64) NOT NULL,
  products_price decimal(15,4) NOT NULL,
  final_price decimal(15,4) NOT NULL,
  products_tax decimal(7,4) NOT NULL,
  products_quantity int(2) NOT NULL,
  products_stock_attributes varchar(255),
  PRIMARY KEY (orders_products_id),
  KEY (orders_id),
  KEY (products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products_attributes (
  orders_products_attributes_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  orders_products_id int NOT NULL,
  products_options varchar(32) NOT NULL,
  products_options_values varchar(32) NOT NULL,
  code_suffix varchar(16) NOT NULL,
  options_values_price decimal(15,4) NOT NULL,
  price_prefix char(1) NOT NULL,
  weight_prefix char(1) NOT NULL,
  options_values_weight decimal(6,3) NOT NULL DEFAULT 0.000,
  PRIMARY KEY (orders_products_attributes_id),
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status (
  orders_status_id int NOT NULL DEFAULT 0,
  language_id int NOT NULL DEFAULT 1,
  orders_status_name varchar(32) NOT NULL,
  public_flag int DEFAULT 1,
  downloads_flag int DEFAULT 0,
  PRIMARY KEY (orders_status_id, language_id),
  KEY (orders_status_name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status_history (
  orders_status_history_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  orders_status_id int(5) NOT NULL,
  date_added datetime NOT NULL,
  customer_notified int(1) DEFAULT 0,
  comments text,
  PRIMARY KEY (orders_status_history_id),
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_total (
  orders_total_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  title varchar(255) NOT NULL,
  text varchar(255) NOT NULL,
  value decimal(15,4) NOT NULL,
  class varchar(32) NOT NULL,
  sort_order int NOT NULL,
  PRIMARY KEY (orders_total_id),
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_stock (
  products_stock_id int NOT NULL AUTO_INCREMENT,
  products_id int NOT NULL DEFAULT 0,
  products_stock_attributes varchar(255) NOT NULL,
  products_stock_quantity int NOT NULL DEFAULT 0,
  PRIMARY KEY (products_stock_id),
  KEY (products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_options (
  products_options_id int NOT NULL DEFAULT 0,
  language_id int NOT NULL DEFAULT 1,
  products_options_name varchar(32) NOT NULL DEFAULT '',
  products_options_track_stock tinyint(4) NOT NULL DEFAULT 0,
  products_options_type int(5) NOT NULL DEFAULT 0,
  products_options_length smallint(2) NOT NULL DEFAULT 32,
  products_options_comment varchar(32),
  products_options_sort_order int(10) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (products_options_id, language_id)
) ENGINE={ENGINE} {COLLATION};
