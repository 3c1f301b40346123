-- The tables of Loaded Commerce 6.5 that a sale, a restock, an admin's save and the connector touch, as a real installation has them.
-- {PREFIX}, {ENGINE} and {COLLATION} are filled in by shop.py. Statements end with a semicolon at the end of a line.

CREATE TABLE {PREFIX}configuration (
  configuration_id int NOT NULL AUTO_INCREMENT,
  configuration_title varchar(64) NOT NULL DEFAULT '',
  configuration_key varchar(64) NOT NULL DEFAULT '',
  configuration_value varchar(255) NOT NULL DEFAULT '',
  configuration_description varchar(255) NOT NULL DEFAULT '',
  configuration_group_id int NOT NULL DEFAULT 0,
  sort_order smallint(3) unsigned NOT NULL DEFAULT 9999,
  last_modified datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  date_added datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  use_function varchar(255),
  set_function varchar(255),
  PRIMARY KEY (configuration_id),
  UNIQUE KEY (configuration_key)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}languages (
  languages_id int NOT NULL AUTO_INCREMENT,
  name varchar(32) NOT NULL DEFAULT '',
  code char(2) NOT NULL DEFAULT '',
  image varchar(64),
  directory varchar(32),
  sort_order smallint(3) unsigned NOT NULL DEFAULT 9999,
  PRIMARY KEY (languages_id),
  KEY (name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products (
  products_id int NOT NULL AUTO_INCREMENT,
  products_quantity int(4) NOT NULL DEFAULT 0,
  products_model varchar(25),
  products_image varchar(64),
  products_image_med varchar(64),
  products_image_lrg varchar(64),
  products_image_sm_1 varchar(64),
  products_image_xl_1 varchar(64),
  products_image_sm_2 varchar(64),
  products_image_xl_2 varchar(64),
  products_image_sm_3 varchar(64),
  products_image_xl_3 varchar(64),
  products_image_sm_4 varchar(64),
  products_image_xl_4 varchar(64),
  products_image_sm_5 varchar(64),
  products_image_xl_5 varchar(64),
  products_image_sm_6 varchar(64),
  products_image_xl_6 varchar(64),
  products_price decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_date_added datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  products_last_modified datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  products_date_available datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  products_weight decimal(5,2) NOT NULL DEFAULT 0.00,
  products_status tinyint(1) NOT NULL DEFAULT 0,
  products_tax_class_id int NOT NULL DEFAULT 0,
  manufacturers_id int,
  products_ordered int NOT NULL DEFAULT 0,
  products_parent_id int NOT NULL DEFAULT 0,
  products_price1 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price2 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price3 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price4 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price5 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price6 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price7 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price8 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price9 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price10 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price11 decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_price1_qty int NOT NULL DEFAULT 0,
  products_price2_qty int NOT NULL DEFAULT 0,
  products_price3_qty int NOT NULL DEFAULT 0,
  products_price4_qty int NOT NULL DEFAULT 0,
  products_price5_qty int NOT NULL DEFAULT 0,
  products_price6_qty int NOT NULL DEFAULT 0,
  products_price7_qty int NOT NULL DEFAULT 0,
  products_price8_qty int NOT NULL DEFAULT 0,
  products_price9_qty int NOT NULL DEFAULT 0,
  products_price10_qty int NOT NULL DEFAULT 0,
  products_price11_qty int NOT NULL DEFAULT 0,
  products_qty_blocks int NOT NULL DEFAULT 1,
  PRIMARY KEY (products_id),
  KEY (products_date_added)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_description (
  products_id int NOT NULL,
  language_id int NOT NULL DEFAULT 1,
  products_name varchar(64) NOT NULL DEFAULT '',
  products_description text,
  products_url varchar(255),
  products_viewed int(5) DEFAULT 0,
  products_head_title_tag varchar(80),
  products_head_desc_tag longtext NOT NULL DEFAULT '',
  products_head_keywords_tag longtext NOT NULL DEFAULT '',
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
  products_options_sort_order smallint(3) unsigned NOT NULL DEFAULT 9999,
  PRIMARY KEY (products_attributes_id),
  KEY (products_id)
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
  customers_company varchar(32),
  customers_street_address varchar(64) NOT NULL DEFAULT '',
  customers_suburb varchar(32),
  customers_city varchar(32) NOT NULL DEFAULT '',
  customers_postcode varchar(10) NOT NULL DEFAULT '',
  customers_state varchar(32),
  customers_country varchar(32) NOT NULL DEFAULT '',
  customers_telephone varchar(32) NOT NULL DEFAULT '',
  customers_email_address varchar(96) NOT NULL DEFAULT '',
  customers_address_format_id int(5) NOT NULL DEFAULT 0,
  delivery_name varchar(64) NOT NULL DEFAULT '',
  delivery_company varchar(32),
  delivery_telephone varchar(32) NOT NULL DEFAULT '',
  delivery_fax varchar(32) NOT NULL DEFAULT '',
  delivery_email_address varchar(96) NOT NULL DEFAULT '',
  delivery_street_address varchar(64) NOT NULL DEFAULT '',
  delivery_suburb varchar(32),
  delivery_city varchar(32) NOT NULL DEFAULT '',
  delivery_postcode varchar(10) NOT NULL DEFAULT '',
  delivery_state varchar(32),
  delivery_country varchar(32) NOT NULL DEFAULT '',
  delivery_address_format_id int(5) NOT NULL DEFAULT 0,
  billing_name varchar(64) NOT NULL DEFAULT '',
  billing_company varchar(32),
  billing_telephone varchar(32) NOT NULL DEFAULT '',
  billing_fax varchar(32) NOT NULL DEFAULT '',
  billing_email_address varchar(96) NOT NULL DEFAULT '',
  billing_street_address varchar(64) NOT NULL DEFAULT '',
  billing_suburb varchar(32),
  billing_city varchar(32) NOT NULL DEFAULT '',
  billing_postcode varchar(10) NOT NULL DEFAULT '',
  billing_state varchar(32),
  billing_country varchar(32) NOT NULL DEFAULT '',
  billing_address_format_id int(5) NOT NULL DEFAULT 0,
  payment_method varchar(32) NOT NULL DEFAULT '',
  payment_info text,
  payment_id int NOT NULL DEFAULT 0,
  cc_type varchar(20),
  cc_owner varchar(64),
  cc_number varchar(90),
  cc_expires varchar(90),
  cc_start varchar(4),
  cc_issue char(3),
  cc_bank_phone varchar(32) NOT NULL DEFAULT '',
  last_modified datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  date_purchased datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  orders_status int(5) NOT NULL DEFAULT 0,
  orders_date_finished datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  currency char(3),
  currency_value decimal(14,6),
  account_name varchar(64),
  account_number varchar(32),
  po_number varchar(12),
  purchased_without_account tinyint(1) unsigned NOT NULL DEFAULT 0,
  paypal_ipn_id int NOT NULL DEFAULT 0,
  ipaddy varchar(15) NOT NULL DEFAULT '',
  ipisp varchar(15) NOT NULL DEFAULT '',
  PRIMARY KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products (
  orders_products_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL DEFAULT 0,
  products_id int NOT NULL DEFAULT 0,
  products_model varchar(25),
  products_name varchar(64) NOT NULL DEFAULT '',
  products_price decimal(15,4) NOT NULL DEFAULT 0.0000,
  final_price decimal(15,4) NOT NULL DEFAULT 0.0000,
  products_tax decimal(7,4) NOT NULL DEFAULT 0.0000,
  products_quantity int(2) NOT NULL DEFAULT 0,
  PRIMARY KEY (orders_products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products_attributes (
  orders_products_attributes_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL DEFAULT 0,
  orders_products_id int NOT NULL DEFAULT 0,
  products_options varchar(32) NOT NULL DEFAULT '',
  products_options_values varchar(64) NOT NULL DEFAULT '',
  options_values_price decimal(15,4) NOT NULL DEFAULT 0.0000,
  price_prefix char(1) NOT NULL DEFAULT '',
  products_options_id int NOT NULL DEFAULT 0,
  products_options_values_id int NOT NULL DEFAULT 0,
  PRIMARY KEY (orders_products_attributes_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status (
  orders_status_id int NOT NULL DEFAULT 0,
  language_id int NOT NULL DEFAULT 1,
  orders_status_name varchar(32) NOT NULL DEFAULT '',
  PRIMARY KEY (orders_status_id, language_id),
  KEY (orders_status_name)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status_history (
  orders_status_history_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL DEFAULT 0,
  orders_status_id int(5) NOT NULL DEFAULT 0,
  date_added datetime NOT NULL DEFAULT '0000-00-00 00:00:00',
  customer_notified tinyint(1) NOT NULL DEFAULT 0,
  comments text,
  PRIMARY KEY (orders_status_history_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_total (
  orders_total_id int(10) unsigned NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL DEFAULT 0,
  title varchar(255) NOT NULL DEFAULT '',
  text varchar(255) NOT NULL DEFAULT '',
  value decimal(15,4) NOT NULL DEFAULT 0.0000,
  class varchar(32) NOT NULL DEFAULT '',
  sort_order smallint(3) unsigned NOT NULL DEFAULT 9999,
  PRIMARY KEY (orders_total_id),
  KEY (orders_id)
) ENGINE={ENGINE} {COLLATION};
