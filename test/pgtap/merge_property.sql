-- Proves: no sequence of merges and undone merges loses anything. Random trees of merges are
-- built and cut in any order, with choices by hand, purchases, points, consents and relations between; after
-- every step each code leads to one shown customer, each row of each child is seen once,
-- no point was made or lost, and may be contacted who all of whose records allow it; when all is undone in random order, every table of
-- customers is what it would be had nothing been merged. Bug: undoing in another order than
-- merging leaves points, values or codes with somebody else.
-- Each step commits, as in life; the file has its database to itself.
SELECT no_plan();
SET search_path = public, crm;
SET client_min_messages = warning;
SET crm.lang = 'en';
SET jit = off;
UPDATE crm_data.merge_policy SET threshold = NULL WHERE measure IN ('amount', 'points', 'records');

CREATE TEMPORARY TABLE person AS
SELECT n, crm.register_customer(jsonb_strip_nulls(jsonb_build_object('kind', 'individual', 'name', '张' || chr(20000 + n * 7), 'phone', (13800138000 + n)::text,
           'email', CASE WHEN n % 3 = 0 THEN format('c%s@example.com', n) END, 'occupation', CASE WHEN n % 2 = 0 THEN 'job ' || n END,
           'external_system', 'old', 'external_id', 'X' || n)), CASE n % 4 WHEN 0 THEN 'counter' WHEN 1 THEN 'online' WHEN 2 THEN 'phone' ELSE 'store' END,
           day => '2021-05-06') AS code
  FROM generate_series(1, 30) n;
SELECT count(crm.record_purchase(code, 'o' || k, DATE '2022-01-01' + k, 'tea', 1, n + k)) FROM person, generate_series(1, n % 4) k \gset _
SELECT count(crm.record_interaction(code, '2022-01-01 12:00+08'::timestamptz + k * interval '1 day', 'phone', 'inbound', 'call ' || k)) FROM person, generate_series(1, n % 3) k \gset _
SELECT count(crm.points_earn(customer => code, programme => 'main', request_id => 'e' || k, amount => 100 * n + k, expires_on => DATE '2099-12-31' + k)) FROM person, generate_series(1, n % 3) k \gset _
SELECT count(crm.relate(a.code, b.code, CASE a.n % 3 WHEN 0 THEN 'household' WHEN 1 THEN 'referrer' ELSE 'related' END, DATE '2020-01-01' + a.n)) FROM person a JOIN person b ON b.n = a.n % 30 + 1 \gset _

-- What each record says to marketing: yes, no, lapsed, or nothing; and the same as somebody would reckon it.
SELECT count(CASE n % 5 WHEN 0 THEN crm.consent_withdraw(code, 'marketing', captured_at => now() - n * interval '1 hour')
                        WHEN 1 THEN crm.consent_grant(code, 'marketing', NULL, 'v1', captured_at => now() - n * interval '1 hour')
                        WHEN 2 THEN crm.consent_grant(code, 'marketing', NULL, 'v1', captured_at => now() - n * interval '1 hour', valid_until => now() - interval '1 minute')
                        WHEN 3 THEN crm.consent_grant(code, 'marketing', NULL, 'v1') END) FROM person \gset _

-- Every table of customers, less what is history by its nature.
CREATE FUNCTION pg_temp.picture() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    FOR t IN SELECT r.relation FROM crm_data.merge_rule r WHERE r.way IN ('pointer', 'golden') OR r.relation IN ('document_claim', 'external_id_claim', 'customer_code_alias')
              ORDER BY r.relation LOOP
        RETURN QUERY EXECUTE format('SELECT %L || '': '' || to_jsonb(t)::text FROM crm_data.%I t ORDER BY 1', t, t);
    END LOOP;
    RETURN QUERY SELECT format('points: %s %s %s', a.customer_code, a.programme, a.state) FROM crm_data.points_account a WHERE a.state <> '{}' ORDER BY 1;
    RETURN QUERY SELECT 'view: ' || to_jsonb(v)::text FROM crm.customer_view v ORDER BY v.customer_code;
    RETURN QUERY SELECT 'card: ' || (crm.customer_card(p.code) #- '{extended,age}')::text FROM person p ORDER BY p.n;
    RETURN QUERY SELECT 'consent: ' || to_jsonb(k)::text FROM crm.consent_current k ORDER BY 1;
    RETURN QUERY SELECT 'relation: ' || to_jsonb(r)::text FROM crm.customer_relation r ORDER BY 1;
END $$;
CREATE TEMPORARY TABLE before AS SELECT line, row_number() OVER () AS n FROM pg_temp.picture() line;
SELECT cmp_ok(count(*), '>', 300::bigint, 'there is something to lose') FROM before;

CREATE FUNCTION pg_temp.totals() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', (SELECT count(*) FROM crm.customer_contact), (SELECT count(*) FROM crm.customer_purchase), (SELECT sum(amount) FROM crm.customer_purchase),
                     (SELECT count(*) FROM crm.customer_interaction), (SELECT count(*) FROM crm.customer_document),
                     (SELECT sum(l.amount) FROM crm_data.points_account a, crm.lots(a.state) l),
                     (SELECT sum(jsonb_array_length(e.ids)) FROM crm.customer_extended x, jsonb_each(x.external_ids) y (k, ids), LATERAL (SELECT y.ids) e),
                     (SELECT sum(v.purchases) FROM crm.customer_service v)) $$;
-- What must hold after every step, by name.
CREATE FUNCTION pg_temp.broken(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s is shown %s times under %s', p.code, count(v.customer_code), p.root)
      FROM (SELECT x.code, crm.resolve(x.code) AS root, c.survivor_code FROM person x JOIN crm_data.customer c ON c.customer_code = x.code) p
      LEFT JOIN crm.customer_basic v ON v.customer_code = p.root
     GROUP BY p.code, p.root, p.survivor_code HAVING count(v.customer_code) <> 1 OR p.root <> p.survivor_code
    UNION ALL
    SELECT format('%s are shown', count(*)) FROM crm.customer_basic HAVING count(*) <> count(DISTINCT crm.resolve(customer_code))
    UNION ALL
    SELECT format('%s shows a value of %s, who is somebody else', c.customer_code, g.value) FROM crm_data.customer c, jsonb_each_text(c.golden) g
     WHERE crm.resolve(g.value::crm.customer_code) <> c.customer_code
    UNION ALL
    SELECT format('%s is merged and has a golden record', c.customer_code) FROM crm_data.customer c WHERE c.golden IS NOT NULL AND c.survivor_code <> c.customer_code
    UNION ALL
    SELECT format('totals were %s and are %s', wanted, t) FROM (SELECT pg_temp.totals() OFFSET 0) x (t) WHERE wanted <> t
    UNION ALL
    SELECT format('%s may be contacted: %s', r.code, r.may) FROM (
        SELECT crm.resolve(p.code) AS code, bool_and(p.n % 5 NOT IN (0, 2)) AND bool_or(p.n % 5 IN (1, 3)) AS wanted,
               crm.may_contact(crm.resolve(p.code), 'marketing', 'email') AS may FROM person p GROUP BY 1) r WHERE r.may <> r.wanted
    UNION ALL
    SELECT format('%s is merged and has points', a.customer_code) FROM crm_data.points_account a
     WHERE a.state <> '{}' AND crm.resolve(a.customer_code) <> a.customer_code
    UNION ALL
    SELECT format('%s is not %s''s pointer by the merges that stand', c.survivor_code, c.customer_code) FROM crm_data.customer c
     WHERE c.customer_code <> c.survivor_code AND NOT c.customer_code = ANY (crm.merge_subtree(c.survivor_code))
    UNION ALL
    SELECT format('%s is related to itself', r.customer_code) FROM crm.customer_relation r WHERE r.customer_code = r.other_code $$;

CREATE TEMPORARY TABLE told (step integer, what text, fault text);
CREATE TEMPORARY TABLE done (what text, n bigint);
-- A step: merge two random survivors, with a random choice, or undo a random merge.
CREATE FUNCTION pg_temp.step(k integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    s crm.customer_code;
    l crm.customer_code;
    id bigint;
    foreseen text;
BEGIN
    IF random() < 0.62 THEN
        SELECT c.customer_code INTO s FROM crm_data.customer c WHERE c.survivor_code = c.customer_code ORDER BY random() LIMIT 1;
        SELECT c.customer_code INTO l FROM crm_data.customer c WHERE c.survivor_code = c.customer_code AND c.customer_code <> s ORDER BY random() LIMIT 1;
        IF l IS NOT NULL THEN
            SELECT string_agg(concat_ws(' ', p.item, p.result), ', ' ORDER BY p.item) INTO foreseen FROM crm.merge_preview(s, l) p WHERE p.part = 'consent' AND p.result <> 'overruled';
            PERFORM crm.merge(s, l, CASE WHEN random() < 0.4 THEN jsonb_build_object((ARRAY['name', 'phone', 'email', 'occupation', 'channel'])[1 + floor(random() * 5)::int],
                                                                                    (ARRAY['survivor', 'loser'])[1 + floor(random() * 2)::int]) ELSE '{}' END, 'step ' || k);
            INSERT INTO told SELECT k, 'preview of consents', concat(foreseen, ' became ', x.held) FROM (
                SELECT string_agg(concat_ws(' ', concat_ws(', ', coalesce(c.purpose, 'every purpose'), coalesce(c.channel, 'every channel')), c.status), ', ' ORDER BY c.purpose, c.channel)
                  FROM crm.consent_current c WHERE c.customer_code = s) x (held) WHERE x.held IS DISTINCT FROM foreseen;
            RETURN format('merge %s <- %s', s, l);
        END IF;
    END IF;
    SELECT m.merge_id INTO id FROM crm_data.merge m WHERE m.undone_at IS NULL ORDER BY random() LIMIT 1;
    IF id IS NOT NULL THEN
        PERFORM crm.unmerge(id, 'step ' || k);
        RETURN format('undo %s', id);
    END IF;
    RETURN 'nothing';
END $$;
-- Merging and undoing at once gives back exactly what was, at any point of the way.
CREATE FUNCTION pg_temp.there_and_back() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    was text[] := ARRAY(SELECT pg_temp.picture());
    s crm.customer_code[] := ARRAY(SELECT c.customer_code FROM crm_data.customer c WHERE c.survivor_code = c.customer_code ORDER BY random() LIMIT 2);
    now_is text[];
BEGIN
    IF cardinality(s) < 2 THEN
        RETURN;
    END IF;
    PERFORM crm.unmerge(crm.merge(s[1], s[2], '{"name": "loser"}'), 'there and back');
    now_is := ARRAY(SELECT pg_temp.picture());
    RETURN QUERY SELECT 'lost: ' || w FROM unnest(was) w EXCEPT ALL SELECT 'lost: ' || w FROM unnest(now_is) w;
    RETURN QUERY SELECT 'new: ' || w FROM unnest(now_is) w EXCEPT ALL SELECT 'new: ' || w FROM unnest(was) w;
END $$;

SELECT setseed(0.42) \gset _
DO $$
DECLARE
    wanted text := pg_temp.totals();
    what text;
BEGIN
    FOR k IN 1..300 LOOP
        what := pg_temp.step(k);
        INSERT INTO told SELECT k, what, f FROM pg_temp.broken(wanted) f;
        INSERT INTO done VALUES (split_part(what, ' ', 1), 1);
        IF k % 30 = 0 THEN
            INSERT INTO told SELECT k, 'there and back', f FROM pg_temp.there_and_back() f;
        END IF;
        EXIT WHEN EXISTS (SELECT FROM told);
        COMMIT;
    END LOOP;
END $$;
SELECT is(array_agg(format('step %s, %s: %s', step, what, fault)), NULL, 'nothing was lost in 300 steps') FROM (SELECT * FROM told LIMIT 10) t;
SELECT cmp_ok(count(*) FILTER (WHERE what = 'merge'), '>', 100::bigint, 'with many merges: ' || count(*) FILTER (WHERE what = 'merge')) FROM done;
SELECT cmp_ok(count(*) FILTER (WHERE what = 'undo'), '>', 80::bigint, 'and many undone: ' || count(*) FILTER (WHERE what = 'undo')) FROM done;
SELECT cmp_ok(max(depth), '>', 3, 'deep trees were there: ' || max(depth)) FROM (
    SELECT cardinality(crm.merges_above(m.merge_id)) AS depth FROM crm_data.merge m) d;
DO $$
DECLARE
    id bigint;
BEGIN
    LOOP
        SELECT m.merge_id INTO id FROM crm_data.merge m WHERE m.undone_at IS NULL ORDER BY random() LIMIT 1;
        EXIT WHEN id IS NULL;
        PERFORM crm.unmerge(id, 'all of it');
        COMMIT;
    END LOOP;
END $$;
SELECT is((SELECT array_agg(line) FROM (SELECT line FROM before EXCEPT ALL SELECT line FROM pg_temp.picture() line LIMIT 5) x), NULL, 'all undone in random order: nothing is missing');
SELECT is((SELECT array_agg(line) FROM (SELECT line FROM pg_temp.picture() line EXCEPT ALL SELECT line FROM before LIMIT 5) x), NULL, 'and nothing is new');
SELECT is((SELECT array_agg(a::text) FROM crm.points_audit() a), NULL, 'the ledger of points is sound');
SELECT * FROM finish();
