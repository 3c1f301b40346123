-- The tables of modified eCommerce 3.3.0 that a sale, a restock, an admin's save and the connector touch, as a real installation has them.
-- {PREFIX}, {ENGINE} and {COLLATION} are filled in by shop.py. Statements end with a semicolon at the end of a line.

CREATE TABLE {PREFIX}configuration (
  configuration_id int NOT NULL AUTO_INCREMENT,
  configuration_key varchar(128) NOT NULL,
  configuration_value text NOT NULL,
  configuration_group_id int NOT NULL,
  sort_order int(5),
  last_modified datetime,
  date_added datetime NOT NULL,
  use_function varchar(255),
  set_function varchar(255),
  PRIMARY KEY (configuration_id),
  UNIQUE KEY (configuration_key),
  KEY (configuration_group_id),
  KEY (sort_order)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}languages (
  languages_id int NOT NULL AUTO_INCREMENT,
  name varchar(32) NOT NULL,
  code char(5) NOT NULL,
  image varchar(64) NOT NULL,
  directory varchar(32),
  sort_order int(3),
  language_charset text NOT NULL,
  status int(1) NOT NULL DEFAULT 1,
  status_admin int(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (languages_id),
  UNIQUE KEY (code),
  KEY (sort_order),
  KEY (status),
  KEY (status_admin)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products (
  products_id int NOT NULL AUTO_INCREMENT,
  products_ean varchar(128),
  products_quantity int(4) NOT NULL,
  products_shippingtime int(4) NOT NULL,
  products_model varchar(64),
  group_permission_0 tinyint(1) NOT NULL,
  group_permission_1 tinyint(1) NOT NULL,
  group_permission_2 tinyint(1) NOT NULL,
  group_permission_3 tinyint(1) NOT NULL,
  group_permission_4 tinyint(1) NOT NULL,
  products_sort int(4) NOT NULL DEFAULT 0,
  products_image varchar(255) NOT NULL,
  products_price decimal(15,4) NOT NULL,
  products_discount_allowed decimal(5,2) NOT NULL DEFAULT 0.00,
  products_date_added datetime NOT NULL,
  products_last_modified datetime,
  products_date_available datetime,
  products_weight decimal(15,4) NOT NULL,
  products_status int(1) NOT NULL,
  products_tax_class_id int NOT NULL,
  product_template varchar(64),
  options_template varchar(64),
  manufacturers_id int,
  products_manufacturers_model varchar(64),
  products_ordered int NOT NULL DEFAULT 0,
  products_fsk18 int(1) NOT NULL DEFAULT 0,
  products_vpe int NOT NULL,
  products_vpe_status int(1) NOT NULL DEFAULT 0,
  products_vpe_value decimal(15,4) NOT NULL,
  products_startpage int(1) NOT NULL DEFAULT 0,
  products_startpage_sort int(4) NOT NULL DEFAULT 0,
  PRIMARY KEY (products_id),
  KEY (products_model),
  KEY (products_sort),
  KEY (products_image),
  KEY (products_date_added),
  KEY (products_status),
  KEY (manufacturers_id),
  KEY (products_startpage),
  KEY (products_startpage_sort)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_description (
  products_id int NOT NULL,
  language_id int NOT NULL,
  products_name varchar(255) NOT NULL DEFAULT '',
  products_heading_title varchar(255) NOT NULL DEFAULT '',
  products_description text,
  products_short_description text,
  products_keywords varchar(255),
  products_meta_title text NOT NULL,
  products_meta_description text NOT NULL,
  products_meta_keywords text NOT NULL,
  products_url varchar(255),
  products_viewed int(5) DEFAULT 0,
  products_order_description text,
  PRIMARY KEY (products_id, language_id),
  KEY (products_name),
  KEY (products_heading_title),
  KEY (products_keywords)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_attributes (
  products_attributes_id int NOT NULL AUTO_INCREMENT,
  products_id int NOT NULL,
  options_id int NOT NULL,
  options_values_id int NOT NULL,
  options_values_price decimal(15,4) NOT NULL,
  price_prefix char(1) NOT NULL,
  attributes_model varchar(64),
  attributes_stock int(4),
  options_values_weight decimal(15,4) NOT NULL,
  weight_prefix char(1) NOT NULL,
  sortorder int,
  attributes_ean varchar(64),
  attributes_vpe_id int NOT NULL,
  attributes_vpe_value decimal(15,4) NOT NULL,
  PRIMARY KEY (products_attributes_id),
  KEY (products_id),
  KEY (options_id),
  KEY (sortorder)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}products_attributes_download (
  products_attributes_id int NOT NULL,
  products_attributes_filename varchar(255) NOT NULL DEFAULT '',
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
  customers_cid varchar(32),
  customers_vat_id varchar(20),
  customers_status int,
  customers_status_name varchar(32) NOT NULL,
  customers_status_image varchar(64),
  customers_status_discount decimal(5,2),
  customers_name varchar(128) NOT NULL,
  customers_firstname varchar(64) NOT NULL,
  customers_lastname varchar(64) NOT NULL,
  customers_gender char(1) NOT NULL,
  customers_company varchar(64),
  customers_street_address varchar(64) NOT NULL,
  customers_suburb varchar(32),
  customers_city varchar(64) NOT NULL,
  customers_postcode varchar(10) NOT NULL,
  customers_state varchar(64),
  customers_country varchar(64) NOT NULL,
  customers_telephone varchar(32) NOT NULL,
  customers_email_address varchar(255) NOT NULL,
  customers_address_format_id int(5) NOT NULL,
  customers_country_iso_code_2 varchar(2) NOT NULL,
  delivery_name varchar(128) NOT NULL,
  delivery_firstname varchar(64) NOT NULL,
  delivery_lastname varchar(64) NOT NULL,
  delivery_gender char(1) NOT NULL,
  delivery_company varchar(64),
  delivery_street_address varchar(64) NOT NULL,
  delivery_suburb varchar(32),
  delivery_city varchar(64) NOT NULL,
  delivery_postcode varchar(10) NOT NULL,
  delivery_state varchar(64),
  delivery_country varchar(64) NOT NULL,
  delivery_country_iso_code_2 char(2) NOT NULL,
  delivery_address_format_id int(5) NOT NULL,
  billing_name varchar(128) NOT NULL,
  billing_firstname varchar(64) NOT NULL,
  billing_lastname varchar(64) NOT NULL,
  billing_gender char(1) NOT NULL,
  billing_company varchar(64),
  billing_street_address varchar(64) NOT NULL,
  billing_suburb varchar(32),
  billing_city varchar(64) NOT NULL,
  billing_postcode varchar(10) NOT NULL,
  billing_state varchar(64),
  billing_country varchar(64) NOT NULL,
  billing_country_iso_code_2 char(2) NOT NULL,
  billing_address_format_id int(5) NOT NULL,
  payment_method varchar(128) NOT NULL,
  comments text,
  last_modified datetime,
  date_purchased datetime,
  orders_status int(5) NOT NULL,
  orders_date_finished datetime,
  currency char(3),
  currency_value decimal(14,6),
  account_type int(1) NOT NULL DEFAULT 0,
  payment_class varchar(64) NOT NULL,
  shipping_method varchar(128) NOT NULL,
  shipping_class varchar(64) NOT NULL,
  customers_ip varchar(50) NOT NULL,
  language varchar(32) NOT NULL,
  languages_id int NOT NULL,
  afterbuy_success int(1) NOT NULL DEFAULT 0,
  afterbuy_id int(32) NOT NULL DEFAULT 0,
  campaign varchar(32) NOT NULL,
  conversion_type int(1) NOT NULL DEFAULT 0,
  orders_ident_key varchar(128),
  content_type varchar(32) NOT NULL,
  PRIMARY KEY (orders_id),
  KEY (customers_id),
  KEY (customers_status),
  KEY (date_purchased),
  KEY (orders_status),
  KEY (payment_class),
  KEY (orders_ident_key)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products (
  orders_products_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  products_id int NOT NULL,
  products_model varchar(64),
  products_ean varchar(128),
  products_name varchar(255) NOT NULL,
  products_price decimal(15,4) NOT NULL,
  products_price_origin decimal(15,4) NOT NULL,
  products_discount_made decimal(5,2),
  products_shipping_time varchar(255),
  final_price decimal(15,4) NOT NULL,
  products_tax decimal(7,4) NOT NULL,
  products_quantity int(2) NOT NULL,
  allow_tax int(1) NOT NULL,
  products_order_description text,
  products_weight decimal(15,4) NOT NULL,
  products_weight_origin decimal(15,4) NOT NULL,
  products_vpe varchar(32) NOT NULL,
  products_vpe_value decimal(15,4) NOT NULL,
  PRIMARY KEY (orders_products_id),
  KEY (orders_id),
  KEY (products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_products_attributes (
  orders_products_attributes_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  orders_products_id int NOT NULL,
  products_options varchar(255) NOT NULL,
  products_options_values varchar(255) NOT NULL,
  attributes_model varchar(64),
  attributes_ean varchar(128),
  options_values_price decimal(15,4) NOT NULL,
  price_prefix char(1) NOT NULL,
  orders_products_options_id int NOT NULL,
  orders_products_options_values_id int NOT NULL,
  options_values_weight decimal(15,4) NOT NULL,
  weight_prefix char(1) NOT NULL,
  PRIMARY KEY (orders_products_attributes_id),
  KEY (orders_id),
  KEY (orders_products_id)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status (
  orders_status_id int NOT NULL DEFAULT 0,
  language_id int NOT NULL,
  orders_status_name varchar(128) NOT NULL,
  sort_order int NOT NULL DEFAULT 0,
  PRIMARY KEY (orders_status_id, language_id),
  KEY (orders_status_name),
  KEY (sort_order)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}orders_status_history (
  orders_status_history_id int NOT NULL AUTO_INCREMENT,
  orders_id int NOT NULL,
  orders_status_id int(5) NOT NULL,
  date_added datetime NOT NULL,
  customer_notified int(1) DEFAULT 0,
  comments text,
  comments_sent int(1) DEFAULT 0,
  PRIMARY KEY (orders_status_history_id),
  KEY (orders_id),
  KEY (orders_status_id)
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
  KEY (orders_id),
  KEY (sort_order)
) ENGINE={ENGINE} {COLLATION};

CREATE TABLE {PREFIX}database_version (
  id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  version varchar(32) NOT NULL,
  date_added datetime NOT NULL DEFAULT '0000-00-00 00:00:00'
) ENGINE={ENGINE} {COLLATION};

INSERT INTO {PREFIX}database_version (version, date_added) VALUES ('MOD_3.3.0', now());
