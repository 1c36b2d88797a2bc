-- Every read table. All of it can be dropped: the journal (and journal.person) make it anew. The indexes of
-- the usage tables, and how pages are filled and vacuumed, are in indexes.sql: a rebuild makes them last.
--
-- Tables are named without a schema: they belong to the one that comes first in the search path.
-- Text that is sorted is in collation "C", so that an order is the same on every server.
-- A table carries the ids that it is filtered by; names are joined for the rows of a page only. Keys of
-- usage tables begin with resource_uuid and have no foreign keys, so that they can be distributed by it.
-- Their columns are ordered by alignment, those of eight bytes first: none is lost to padding.
--
-- A row with `since` is kept when it is replaced, see projections/history/: `since` is the position of the fact
-- that made it what it is, and `until`, which is null as long as it holds, that of the fact that replaced it. Of
-- usages it is as large as can be meanwhile, so that an index has it as a condition.

CREATE TABLE read_position (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL,              -- of the last fact that every table here reflects
    digest bigint NOT NULL DEFAULT 0,      -- of that fact: positions come again where a journal is put back
    described bigint NOT NULL DEFAULT 0,   -- of the last fact that changed catalogue or rights
    edition bigint NOT NULL DEFAULT 0,     -- rises when a rebuild puts other rows in the place of these
    built_by text                          -- the version of schema and projections
);
INSERT INTO read_position (position) VALUES (0);

-- The last fact that what is seen of a project, or of an offering, may have changed with; that of all but reports
-- has the uuid of zeros. So an answer is known to be the same still: see projections/fast/scopes.py.
CREATE TABLE scope_position (
    scope uuid PRIMARY KEY,
    position bigint NOT NULL
) WITH (fillfactor = 50);                  -- each report updates two rows: on the page where they are

-- Of each span of positions the latest times up to its end: what a time stands for is looked for in one span, and
-- as of a position the lists, which begin with what was measured last, need not look at what came later.
CREATE TABLE moment (
    span bigint PRIMARY KEY,               -- see projections/history/spans.py
    recorded_at timestamptz NOT NULL,
    measured_at timestamptz                -- of usages
);

-- One row for every described entity: an import compares with it before it appends a description.
CREATE TABLE description (
    stream uuid PRIMARY KEY,
    version bigint NOT NULL,
    digest text NOT NULL                   -- SHA-256 of the entity as it was last described, empty once it is removed
);

CREATE TABLE customer (
    uuid uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    abbreviation text NOT NULL,
    since bigint NOT NULL,
    until bigint
);

CREATE TABLE project (
    uuid uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    customer_uuid uuid NOT NULL,
    is_removed boolean NOT NULL,
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX project_customer ON project (customer_uuid);

CREATE TABLE category (
    uuid uuid PRIMARY KEY,
    title text NOT NULL,
    since bigint NOT NULL,
    until bigint
);

CREATE TABLE service_provider (
    uuid uuid PRIMARY KEY,
    customer_uuid uuid NOT NULL,
    id bigint NOT NULL,                    -- position of the first description: the order of creation
    described timestamptz NOT NULL,        -- when it was first described
    modified timestamptz NOT NULL,         -- when it was last described
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX service_provider_default_order ON service_provider (described DESC, id);

CREATE TABLE offering (
    uuid uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    offering_type text COLLATE "C" NOT NULL,
    customer_uuid uuid NOT NULL,           -- the provider
    state integer NOT NULL,
    category_uuid uuid,
    project_uuid uuid,
    parent_uuid uuid,
    plugin_options jsonb NOT NULL,
    id bigint NOT NULL,                    -- as those of a service provider
    described timestamptz NOT NULL,
    modified timestamptz NOT NULL,
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX offering_default_order ON offering (described DESC, id);
CREATE INDEX offering_customer ON offering (customer_uuid);

CREATE TABLE component (
    uuid uuid PRIMARY KEY,
    offering_uuid uuid NOT NULL,
    component_type text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text NOT NULL,
    measured_unit text NOT NULL,
    billing_type text NOT NULL,
    limit_period text NOT NULL,
    limit_amount numeric,
    is_prepaid boolean NOT NULL,
    unit_factor numeric NOT NULL,
    billed_per_plan boolean NOT NULL,
    modified timestamptz NOT NULL,         -- when it was last described
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX component_offering ON component (offering_uuid);

CREATE TABLE plan (
    uuid uuid PRIMARY KEY,
    name text NOT NULL,
    offering_uuid uuid NOT NULL,
    billing_mode text NOT NULL,
    since bigint NOT NULL,
    until bigint
);

-- What a component costs under a plan.
CREATE TABLE plan_component (
    plan_uuid uuid,
    component_uuid uuid,
    price numeric NOT NULL,
    amount numeric NOT NULL,
    since bigint NOT NULL,
    until bigint,
    PRIMARY KEY (plan_uuid, component_uuid)
);

CREATE TABLE resource (
    uuid uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    offering_uuid uuid NOT NULL,
    project_uuid uuid NOT NULL,
    plan_uuid uuid,
    state integer NOT NULL,
    limits jsonb NOT NULL,
    slug text NOT NULL,
    backend_id text NOT NULL,
    backend_metadata jsonb NOT NULL,
    attributes jsonb NOT NULL,
    created timestamptz NOT NULL,          -- as the catalogue says it, else when it was first described
    id bigint NOT NULL,                    -- as those of a service provider
    described timestamptz NOT NULL,
    modified timestamptz NOT NULL,
    customer_uuid uuid,                    -- of its project: the consumer
    provider_uuid uuid,                    -- the customer of its offering
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX resource_default_order ON resource (created DESC, id);
CREATE INDEX resource_offering ON resource (offering_uuid, created DESC, id);
CREATE INDEX resource_project ON resource (project_uuid, created DESC, id);
CREATE INDEX resource_customer ON resource (customer_uuid, created DESC, id);
CREATE INDEX resource_backend_id ON resource (backend_id);
CREATE INDEX resource_provider ON resource (provider_uuid, created DESC, id);

-- How many resources there are in a scope, by state: see projections/writers/provided.py.
CREATE TABLE resource_count (
    kind text COLLATE "C",                 -- as in usage_count
    scope uuid,
    offering_uuid uuid,
    state integer,
    resources bigint NOT NULL,
    PRIMARY KEY (kind, scope, offering_uuid, state)
);
CREATE INDEX resource_count_empty ON resource_count (kind) WHERE resources = 0;

CREATE TABLE plan_period (
    uuid uuid PRIMARY KEY,
    resource_uuid uuid NOT NULL,
    plan_uuid uuid NOT NULL,
    "start" timestamptz,
    "end" timestamptz,
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX plan_period_resource ON plan_period (resource_uuid);

-- The most that an offering user may use of a component of a resource. As usages do, it carries the ids of
-- those whose resource it is.
CREATE TABLE user_usage_limit (
    id bigint NOT NULL,                    -- position of the first fact: the order of creation
    uuid uuid PRIMARY KEY,
    resource_uuid uuid NOT NULL,
    component_uuid uuid NOT NULL,
    offering_user_uuid uuid NOT NULL,
    project_uuid uuid NOT NULL,
    customer_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    provider_uuid uuid NOT NULL,
    "limit" numeric NOT NULL,              -- as it was described, to the digit
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX user_usage_limit_default_order ON user_usage_limit (id DESC);
CREATE INDEX user_usage_limit_resource ON user_usage_limit (resource_uuid, component_uuid);
CREATE INDEX user_usage_limit_user ON user_usage_limit (offering_user_uuid);
CREATE INDEX user_usage_limit_project ON user_usage_limit (project_uuid, id DESC);
CREATE INDEX user_usage_limit_customer ON user_usage_limit (customer_uuid, id DESC);
CREATE INDEX user_usage_limit_offering ON user_usage_limit (offering_uuid, id DESC);
CREATE INDEX user_usage_limit_provider ON user_usage_limit (provider_uuid, id DESC);

-- How many limits of users there are in a scope: see projections/writers/limits/user_usage_limits.py.
CREATE TABLE user_usage_limit_count (
    kind text COLLATE "C",                 -- as in usage_count
    scope uuid,
    offering_uuid uuid,
    limits bigint NOT NULL,
    PRIMARY KEY (kind, scope, offering_uuid)
);
CREATE INDEX user_usage_limit_count_empty ON user_usage_limit_count (kind) WHERE limits = 0;

CREATE TABLE account (
    uuid uuid PRIMARY KEY,
    id integer UNIQUE,                     -- small and stable: 1 for whoever was described first
    position bigint NOT NULL,              -- of the first description
    person uuid NOT NULL,
    username text,                         -- null once the person has been forgotten
    is_staff boolean NOT NULL,
    is_support boolean NOT NULL,
    is_active boolean NOT NULL,
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX account_username ON account (username);

-- Whose names are in no table any more.
CREATE TABLE forgotten_person (
    person uuid PRIMARY KEY,
    position bigint NOT NULL               -- of the fact
);

CREATE TABLE offering_user (
    uuid uuid PRIMARY KEY,
    offering_uuid uuid NOT NULL,
    person uuid NOT NULL,
    username text,
    user_uuid uuid,
    id bigint NOT NULL,                    -- as those of a service provider
    described timestamptz NOT NULL,
    modified timestamptz NOT NULL,
    provider_uuid uuid,                    -- the customer of its offering
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX offering_user_default_order ON offering_user (described DESC, id);
CREATE INDEX offering_user_offering ON offering_user (offering_uuid, described DESC, id);
CREATE INDEX offering_user_provider ON offering_user (provider_uuid, described DESC, id);

-- How many users there are of an offering, and in all: see projections/writers/provided.py.
CREATE TABLE offering_user_count (
    kind text COLLATE "C",                 -- as in usage_count
    scope uuid,
    offering_uuid uuid,
    offering_users bigint NOT NULL,
    PRIMARY KEY (kind, scope, offering_uuid)
);
CREATE INDEX offering_user_count_empty ON offering_user_count (kind) WHERE offering_users = 0;
CREATE INDEX offering_user_username ON offering_user (username);

CREATE TABLE role (
    uuid uuid PRIMARY KEY,
    user_uuid uuid NOT NULL,
    role_name text NOT NULL,
    scope_type text NOT NULL,
    scope_uuid uuid NOT NULL,
    is_active boolean NOT NULL
);
CREATE INDEX role_user ON role (user_uuid);

-- What agents register.
CREATE TABLE agent_identity (
    uuid uuid PRIMARY KEY,
    id bigint NOT NULL UNIQUE,             -- position of the first description: the order of creation
    described timestamptz NOT NULL,        -- when it was first described
    modified timestamptz NOT NULL,         -- when it was last described
    last_restarted timestamptz NOT NULL,
    offering_uuid uuid NOT NULL,
    created_by uuid,
    name text COLLATE "C" NOT NULL,
    version text COLLATE "C",
    config_file_path text,
    dependencies jsonb NOT NULL,
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX agent_identity_name ON agent_identity (name);
CREATE INDEX agent_identity_offering ON agent_identity (offering_uuid);

CREATE TABLE agent_service (
    uuid uuid PRIMARY KEY,
    id bigint NOT NULL UNIQUE,
    described timestamptz NOT NULL,
    modified timestamptz NOT NULL,
    identity_uuid uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    mode text COLLATE "C",
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX agent_service_identity ON agent_service (identity_uuid, id);

CREATE TABLE agent_processor (
    uuid uuid PRIMARY KEY,
    id bigint NOT NULL UNIQUE,
    described timestamptz NOT NULL,
    modified timestamptz NOT NULL,
    service_uuid uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    backend_type text COLLATE "C" NOT NULL,
    backend_version text COLLATE "C",
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX agent_processor_service ON agent_processor (service_uuid, id);

-- Who closed a month of an offering, or opened it again: since when it is as it is.
CREATE TABLE billing_month (
    offering_uuid uuid,
    month date,
    modified timestamptz NOT NULL,
    is_closed boolean NOT NULL,
    note text NOT NULL,
    source text COLLATE "C" NOT NULL,
    described_by uuid,                     -- a user, null where nobody is known
    since bigint NOT NULL,
    until bigint,
    PRIMARY KEY (offering_uuid, month)
);
CREATE INDEX billing_month_month ON billing_month (month DESC, offering_uuid);

-- Figures that somebody proposed to change, and what came of it. Its items are in its facts.
CREATE TABLE correction (
    uuid uuid PRIMARY KEY,
    id bigint NOT NULL UNIQUE,             -- position of the proposal
    proposed_at timestamptz NOT NULL,
    approved_at timestamptz,
    rejected_at timestamptz,
    applied_at timestamptz,
    reverted_at timestamptz,
    applied bigint,                        -- position of the fact that it was applied
    provider_uuid uuid NOT NULL,
    proposed_by uuid,                      -- a user, as those below
    approved_by uuid,
    rejected_by uuid,
    applied_by uuid,
    reverted_by uuid,
    reverts uuid,                          -- the correction that this one puts back
    is_by_proposer boolean NOT NULL,       -- was it approved by nobody else?
    figures integer NOT NULL,              -- how many
    state text COLLATE "C" NOT NULL,       -- proposed, approved, rejected, applied or reverted
    title text NOT NULL,
    reason text NOT NULL,
    ticket text NOT NULL,
    rejection text,                        -- why it was rejected
    offerings uuid[] NOT NULL,
    months date[] NOT NULL,
    sums jsonb NOT NULL,                   -- by component, as proposed, or as applied
    since bigint NOT NULL,
    until bigint
);
CREATE INDEX correction_provider ON correction (provider_uuid, id DESC);
CREATE INDEX correction_state ON correction (state, id DESC);
CREATE INDEX correction_offerings ON correction USING gin (offerings);
CREATE INDEX correction_reverts ON correction (reverts) WHERE reverts IS NOT NULL;

-- What somebody said that they had sent for a month of an offering.
CREATE TABLE manifest (
    id bigint PRIMARY KEY,                 -- position of the fact
    compared_at bigint NOT NULL,           -- the position at which it was compared with what stood
    sent_at timestamptz NOT NULL,
    reports bigint NOT NULL,
    resources bigint NOT NULL,
    month date NOT NULL,
    offering_uuid uuid NOT NULL,
    sent_by uuid,                          -- a user, null where nobody is known
    is_match boolean NOT NULL,             -- was it what stood then?
    totals jsonb NOT NULL,                 -- text of amounts, by type of component
    source text COLLATE "C" NOT NULL,
    note text NOT NULL
);
CREATE INDEX manifest_offering ON manifest (offering_uuid, month, id DESC);
CREATE INDEX manifest_month ON manifest (month, id DESC);

CREATE TABLE token (
    token_uuid uuid PRIMARY KEY,
    token_hash text NOT NULL UNIQUE,
    user_uuid uuid NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    version bigint NOT NULL,
    uses text NOT NULL,                    -- all, read or report
    offering_uuid uuid                     -- the only one that it is for
);

-- The figure of a component of a resource in a month, under one plan. The key finds all components of the
-- month, which are few and lie together: one more uuid in it would be a tenth of all indexes' bytes. What each
-- report changes stands together, from `since` to `usage`: PostgreSQL logs the part of a row that has changed.
CREATE TABLE component_usage (
    id bigint NOT NULL,                    -- position of the first fact: the order of creation
    until bigint NOT NULL DEFAULT 9223372036854775807,
    measured_at timestamptz NOT NULL,
    created timestamptz NOT NULL,
    users integer NOT NULL DEFAULT 0,      -- how many user usages it has
    billing_period date NOT NULL,
    resource_uuid uuid NOT NULL,
    uuid uuid NOT NULL,
    component_uuid uuid NOT NULL,
    project_uuid uuid NOT NULL,
    customer_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    provider_uuid uuid NOT NULL,
    plan_uuid uuid,
    plan_period_uuid uuid,
    reported_by uuid,
    correction_uuid uuid,                  -- of which its last fact is a part
    since bigint NOT NULL,
    version integer NOT NULL,              -- of the last fact of its record's stream that it reflects
    is_terminated boolean NOT NULL DEFAULT false, -- is its resource?
    usage numeric(20, 2) NOT NULL,
    component_type text COLLATE "C" NOT NULL,
    missing_usage_policy text COLLATE "C" NOT NULL,
    description text NOT NULL,
    PRIMARY KEY (resource_uuid, billing_period, uuid)
);

-- What usages were, in full, as their orders change with them; without what is counted or looked up now.
CREATE TABLE component_usage_versions (
    id bigint NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL DEFAULT 9223372036854775807,
    measured_at timestamptz NOT NULL,
    created timestamptz NOT NULL,
    billing_period date NOT NULL,
    resource_uuid uuid NOT NULL,
    uuid uuid NOT NULL,
    component_uuid uuid NOT NULL,
    project_uuid uuid NOT NULL,
    customer_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    provider_uuid uuid NOT NULL,
    plan_uuid uuid,
    plan_period_uuid uuid,
    reported_by uuid,
    correction_uuid uuid,
    usage numeric(20, 2) NOT NULL,
    component_type text COLLATE "C" NOT NULL,
    missing_usage_policy text COLLATE "C" NOT NULL,
    description text NOT NULL
);
CREATE TABLE component_usage_past (
    is_moved boolean NOT NULL              -- did the next one have other owners?
) INHERITS (component_usage_versions);
ALTER TABLE component_usage INHERIT component_usage_versions;

-- As of a position this finds what was replaced since in another way, where it is little (`as_of.sql`).
CREATE VIEW listed_usage AS SELECT * FROM component_usage;

-- What one user consumed of a component usage. What it is listed by it has from that usage, and follows it.
CREATE TABLE user_usage (
    id bigint NOT NULL,                    -- position of the first fact
    measured_at timestamptz NOT NULL,
    created timestamptz NOT NULL,
    resource_uuid uuid NOT NULL,
    uuid uuid NOT NULL,
    component_usage_uuid uuid NOT NULL,
    component_uuid uuid NOT NULL,
    project_uuid uuid NOT NULL,
    customer_uuid uuid NOT NULL,
    offering_uuid uuid NOT NULL,
    provider_uuid uuid NOT NULL,
    person uuid NOT NULL,
    offering_user_uuid uuid,
    since bigint NOT NULL,                 -- position of the fact that stated `usage`
    modified timestamptz NOT NULL,
    billing_period date NOT NULL,
    usage numeric(20, 2) NOT NULL,
    component_type text COLLATE "C" NOT NULL,
    username text COLLATE "C",             -- null once the person has been forgotten
    PRIMARY KEY (resource_uuid, uuid)
);

-- What user usages were; all else of them stays, or is that of their component usage.
CREATE TABLE user_usage_past (
    since bigint NOT NULL,
    until bigint NOT NULL,
    modified timestamptz NOT NULL,
    uuid uuid NOT NULL,
    usage numeric(20, 2) NOT NULL
);

-- How many usages of a month there are in a scope: see projections/writers/counters.py.
CREATE TABLE usage_count (
    kind text COLLATE "C",                 -- all, offering, project, customer
    scope uuid,
    month date,
    offering_uuid uuid,                    -- what a customer has is counted by offering
    component_usages bigint NOT NULL,
    user_usages bigint NOT NULL,
    PRIMARY KEY (kind, scope, month, offering_uuid)
);
CREATE INDEX usage_count_empty ON usage_count (month) WHERE component_usages = 0;

-- By how many that count changed in a span of positions that is over: see projections/history/spans.py.
CREATE TABLE usage_count_span (
    kind text COLLATE "C",
    scope uuid,
    month date,
    offering_uuid uuid,
    span bigint,                           -- 0 for the first one
    component_usages bigint NOT NULL,
    user_usages bigint NOT NULL,
    PRIMARY KEY (kind, scope, month, offering_uuid, span)
);

-- The months in which a resource has no usage, as spans: those between `after`, the last month with usage that
-- comes before a span, and `before`, the next one with usage. Both are infinite where there is none.
CREATE TABLE silence (
    resource_uuid uuid,
    offering_uuid uuid NOT NULL,
    after date,
    before date NOT NULL,
    is_expected boolean NOT NULL,          -- is the resource in a state in which there should be usage?
    PRIMARY KEY (resource_uuid, after)
);

-- How many resources of an offering have usage in a month, and how many of them are expected to.
CREATE TABLE reporting_count (
    month date,
    offering_uuid uuid,
    resources bigint NOT NULL,
    expected bigint NOT NULL,
    PRIMARY KEY (month, offering_uuid)
);
CREATE INDEX reporting_count_empty ON reporting_count (month) WHERE resources = 0;

-- What was used of a component in a month by all resources of a project, and by the terminated ones of them.
-- A resource that went to another offering took along what it had used of components of the old one.
CREATE TABLE project_usage (
    project_uuid uuid,
    component_uuid uuid,
    month date,
    offering_uuid uuid,                    -- of the resources
    usages integer NOT NULL,
    usages_terminated integer NOT NULL,
    used numeric NOT NULL,
    used_terminated numeric NOT NULL,
    PRIMARY KEY (project_uuid, component_uuid, month, offering_uuid)
);
CREATE INDEX project_usage_month ON project_usage (month);
CREATE INDEX project_usage_empty ON project_usage (month) WHERE usages = 0;

-- What was consumed of a component in a month, over all resources and plans.
CREATE TABLE monthly_consumption (
    component_uuid uuid,
    month date,
    usages integer NOT NULL,               -- how many: as of a position one of none is left out
    total numeric NOT NULL,
    PRIMARY KEY (component_uuid, month)
);
CREATE INDEX monthly_consumption_month ON monthly_consumption (month);

-- By how much the sum of an offering's limits of a type changed in a month, and how many resources more
-- have one. The sum at the end of a month is that of all changes up to it. What was first said of a
-- resource stands apart: where a component's history begins with it, it counts for the time before, too.
CREATE TABLE allocation_change (
    offering_uuid uuid,
    component_type text COLLATE "C",
    month date,
    is_first boolean,
    amount numeric NOT NULL,
    resources bigint NOT NULL,
    PRIMARY KEY (offering_uuid, component_type, month, is_first)
);

-- A component's own limit_amount, from the month in which it was described on; the first from -infinity.
CREATE TABLE component_limit (
    component_uuid uuid,
    month date,
    limit_amount numeric,
    PRIMARY KEY (component_uuid, month)
);

-- What these come to: the amount allocated of a component in each month of a span. Before the component was
-- described it shows from the first month on that the component was used in.
CREATE TABLE allocation (
    component_uuid uuid,
    since date,                            -- the first from -infinity
    until date NOT NULL,                   -- the day before the next, infinity for the last
    if_used boolean NOT NULL,              -- is this before the component was described?
    amount numeric NOT NULL,
    PRIMARY KEY (component_uuid, since)
);
CREATE INDEX allocation_until ON allocation (until);

-- How many resources of an offering a project has, and how many of them are terminated.
CREATE TABLE project_offering (
    project_uuid uuid,
    offering_uuid uuid,
    resources integer NOT NULL,
    terminated integer NOT NULL,
    PRIMARY KEY (project_uuid, offering_uuid)
);

-- The sum of the limits of a type that a project's resources of an offering have, but for the terminated ones.
CREATE TABLE project_limit (
    project_uuid uuid,
    offering_uuid uuid,
    component_type text COLLATE "C",
    amount numeric NOT NULL,
    resources integer NOT NULL,            -- that have one
    PRIMARY KEY (project_uuid, offering_uuid, component_type)
);

-- The months that anything was carried over into.
CREATE TABLE carried_month (
    month date PRIMARY KEY
);

-- The runs of `usage-ledger verify` that came to an end.
CREATE TABLE verification (
    id bigint PRIMARY KEY,                 -- position of the fact
    recorded_at timestamptz NOT NULL,
    up_to bigint NOT NULL,                 -- the last position that was looked at
    facts bigint NOT NULL,
    differences bigint NOT NULL
);

-- Facts that made the figure of a month smaller that was past in some zone, and do not say why.
CREATE TABLE lowered (
    position bigint PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    billing_period date NOT NULL,
    resource_uuid uuid NOT NULL,
    usage_uuid uuid NOT NULL,
    reported_by uuid,
    usage_before numeric(20, 2) NOT NULL,
    usage_after numeric(20, 2) NOT NULL
);
CREATE INDEX lowered_usage ON lowered (resource_uuid, billing_period, usage_uuid);
