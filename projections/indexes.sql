-- What is made when the rows are there.

-- Indexes of the usage tables: every order that a list has by itself, within each scope that it is seen by.
-- These are packed full: what is new comes at the edge of its scope, and the months behind it are only read.

CREATE INDEX component_usage_uuid ON component_usage (uuid);
CREATE INDEX component_usage_default_order
    ON component_usage (measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX component_usage_month
    ON component_usage (billing_period, measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX component_usage_offering
    ON component_usage (offering_uuid, measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX component_usage_project
    ON component_usage (project_uuid, measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX component_usage_customer
    ON component_usage (customer_uuid, measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX component_usage_provider
    ON component_usage (provider_uuid, measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX user_usage_uuid ON user_usage (uuid);
CREATE INDEX user_usage_component_usage ON user_usage (component_usage_uuid, id);
CREATE INDEX user_usage_person ON user_usage (component_usage_uuid, person);
CREATE INDEX user_usage_offering_user ON user_usage (component_usage_uuid, offering_user_uuid)
    WHERE offering_user_uuid IS NOT NULL;
CREATE INDEX user_usage_default_order
    ON user_usage (measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX user_usage_month
    ON user_usage (billing_period, measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX user_usage_offering
    ON user_usage (offering_uuid, measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX user_usage_project
    ON user_usage (project_uuid, measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX user_usage_customer
    ON user_usage (customer_uuid, measured_at DESC, component_type, id) WITH (fillfactor = 100);
CREATE INDEX user_usage_provider
    ON user_usage (provider_uuid, measured_at DESC, component_type, id) WITH (fillfactor = 100);

-- As of a position a list is merged from what holds and what held. What was listed by providers alone is sorted.
-- With `until` in the key the rows that had ended are passed over in the index.
CREATE INDEX component_usage_id ON component_usage (id) WITH (fillfactor = 100);
CREATE INDEX user_usage_id ON user_usage (id) WITH (fillfactor = 100);
CREATE INDEX component_usage_past_until ON component_usage_past (until) WITH (fillfactor = 100);
CREATE INDEX component_usage_past_first ON component_usage_past (id) WITH (fillfactor = 100) WHERE since = id;
CREATE INDEX component_usage_past_moved ON component_usage_past (until) WITH (fillfactor = 100) WHERE is_moved;
CREATE INDEX component_usage_past_uuid ON component_usage_past (uuid);
CREATE INDEX component_usage_past_resource ON component_usage_past (resource_uuid, billing_period);
CREATE INDEX component_usage_past_default_order
    ON component_usage_past (measured_at DESC, component_type, id, until) WITH (fillfactor = 100);
CREATE INDEX component_usage_past_month
    ON component_usage_past (billing_period, measured_at DESC, component_type, id, until) WITH (fillfactor = 100);
CREATE INDEX component_usage_past_offering
    ON component_usage_past (offering_uuid, measured_at DESC, component_type, id, until) WITH (fillfactor = 100);
CREATE INDEX component_usage_past_project
    ON component_usage_past (project_uuid, measured_at DESC, component_type, id, until) WITH (fillfactor = 100);
CREATE INDEX component_usage_past_customer
    ON component_usage_past (customer_uuid, measured_at DESC, component_type, id, until) WITH (fillfactor = 100);
CREATE INDEX user_usage_past_uuid ON user_usage_past (uuid, since);

-- Of any month, those who are silent in it: they may be few among many.
CREATE INDEX silence_months ON silence USING gist (daterange(after, before, '()')) WHERE is_expected;

-- A project has one customer, and an offering one provider. Without that PostgreSQL expects next to no rows where
-- one sees a list by the one and asks for the other, and sorts what there is.
CREATE STATISTICS component_usage_owners (dependencies)
    ON project_uuid, customer_uuid, offering_uuid, provider_uuid FROM component_usage;
CREATE STATISTICS user_usage_owners (dependencies)
    ON project_uuid, customer_uuid, offering_uuid, provider_uuid FROM user_usage;
CREATE STATISTICS component_usage_past_owners (dependencies)
    ON project_uuid, customer_uuid, offering_uuid, provider_uuid FROM component_usage_past;

-- Agents report the figures of a month again and again. What a rebuild has written lies packed; from here on a
-- page is filled by half only, and has room for another version of each of its rows: a bulk replaces all rows of
-- a page in one transaction, and what they were goes when it is over. So rows stay where they are, and the
-- indexes as they are, unless the date moves, which lists are ordered by. Price: 330 bytes for a usage, and less
-- for others, until a rebuild packs them. Counts, which only the first report of a month changes, have no use
-- for room: the index of those that are empty has their number as a condition. One row of a table always has.
ALTER TABLE component_usage SET (fillfactor = 50);
ALTER TABLE user_usage SET (fillfactor = 50);
ALTER TABLE project_usage SET (fillfactor = 50);
ALTER TABLE monthly_consumption SET (fillfactor = 50);

-- Vacuum marks pages that all can see, and freezes rows. By default it comes when a fifth of a table is new: of
-- usages that is half a year, in which months that are over are counted row by row and not from their indexes;
-- and of the past, which has a row for each report, the work of months at once. Each page is visited once either
-- way. For what was replaced the defaults are right: a fifth of all usages is what several rounds of reports
-- leave behind, each vacuum reads all indexes, and in tables of few rows it comes every minute.
ALTER TABLE component_usage SET (autovacuum_vacuum_insert_scale_factor = 0.02);
ALTER TABLE user_usage SET (autovacuum_vacuum_insert_scale_factor = 0.02);
ALTER TABLE component_usage_past SET (autovacuum_vacuum_insert_scale_factor = 0.02);
ALTER TABLE user_usage_past SET (autovacuum_vacuum_insert_scale_factor = 0.02);
