-- Whenever the position passes a multiple of {span}, the usages of the span behind it are counted: by scope how
-- many came, and how many moved in and away. So what a scope had as of a position is the sum of the spans
-- before, and of what is counted row by row in a span that is not over.
CREATE FUNCTION count_spans() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- As a text, to be planned for these positions: a plan for any would read whole tables.
    EXECUTE $count${count}$count$ USING OLD.position / {span} * {span}, NEW.position / {span} * {span};
    RETURN NULL;
END $$;

DO $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER count_spans AFTER UPDATE ON read_position FOR EACH ROW'
        ' WHEN (OLD.position / {span} <> NEW.position / {span}) EXECUTE FUNCTION %I.count_spans()',
        current_schema());
END $$;
