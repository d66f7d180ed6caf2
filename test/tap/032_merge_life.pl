# Proves: whatever four sessions do to thirty customers of several kinds at once - merge, undo, earn, redeem, hold,
# release, take back, transfer, consent, withdraw, ask for limits and answer, suspect, decide, request merges and
# approve them - nothing is lost: no error but known refusals, and no deadlock; every pointer is the root of merges that
# stand, who stands for himself is shown once, points are conserved and their books true; when all is undone, what
# each record had of its own is what it was.
# Bug: two rooms that lock customers in another order; a merge and a refusal of consent that wait for each other.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $node = server('merge_life');
$node->start;
deploy($node, 'crm');
$node->safe_psql('crm', <<'SQL');
SET search_path = public, crm;
UPDATE crm_data.merge_policy SET threshold = NULL WHERE measure IN ('amount', 'points', 'records');
CREATE ROLE test_one LOGIN SUPERUSER;
CREATE ROLE test_two LOGIN SUPERUSER;
CREATE TABLE who AS SELECT n, crm.register_customer(jsonb_strip_nulls(jsonb_build_object('kind', CASE n % 3 WHEN 0 THEN 'organization' ELSE 'individual' END,
        'name', CASE n % 3 WHEN 0 THEN '示例公司' || n ELSE '张' || chr(20000 + n * 7) END, 'phone', (13800138000 + n)::text,
        'email', CASE n % 2 WHEN 0 THEN format('c%s@example.com', n) END)), (ARRAY['counter', 'online', 'phone'])[1 + n % 3], day => '2021-05-06') AS code
  FROM generate_series(1, 30) n;
SELECT crm.points_earn(customer => code, programme => 'main', request_id => 'first', amount => 100 + n, expires_on => DATE '2098-12-31' + n) FROM who;
SELECT crm.record_purchase(code, 'o' || k, DATE '2022-01-01' + k, 'tea', 1, n + k) FROM who, generate_series(1, n % 4) k;

-- What records have of their own; consents and relations are what the race writes.
CREATE FUNCTION own() RETURNS SETOF text LANGUAGE plpgsql SET search_path = public, crm AS $$
DECLARE
    t text;
BEGIN
    FOR t IN SELECT r.relation FROM crm_data.merge_rule r WHERE r.way IN ('pointer', 'golden') AND r.relation NOT IN ('consent_event', 'customer_relation')
                 OR r.relation IN ('document_claim', 'external_id_claim', 'customer_code_alias') LOOP
        RETURN QUERY EXECUTE format('SELECT %L || to_jsonb(t)::text FROM crm_data.%I t', t, t);
    END LOOP;
    RETURN QUERY SELECT 'view' || to_jsonb(v)::text FROM crm.customer_view v;
END $$;
CREATE TABLE before AS SELECT own() AS line;

CREATE TABLE outcome (what text, state text, message text);
CREATE PROCEDURE act(things text[]) LANGUAGE plpgsql SET search_path = public, crm AS $$
DECLARE
    what CONSTANT text := things[1 + floor(random() * cardinality(things))];
    some_n CONSTANT bigint := 1 + floor(random() * 60);
    id CONSTANT text := gen_random_uuid();
    -- Mostly few of them, so that sessions meet.
    c CONSTANT crm.customer_code[] := (SELECT array_agg(code ORDER BY random()) FROM who WHERE n <= (SELECT CASE WHEN random() < 0.5 THEN 4 ELSE 30 END));
    a crm.customer_code := crm.resolve(c[1]);
    b crm.customer_code := crm.resolve(c[2]);
BEGIN
    CASE what
    WHEN 'merge' THEN PERFORM crm.merge(a, b, jsonb_build_object('kind', 'survivor') || CASE WHEN random() < 0.2 THEN '{"name": "loser"}' ELSE '{}' END::jsonb);
    WHEN 'stale merge' THEN PERFORM crm.merge(c[1], c[2], '{"kind": "survivor"}');
    WHEN 'undo' THEN PERFORM crm.unmerge(m.merge_id, 'race', random() < 0.02) FROM (SELECT merge_id FROM crm_data.merge WHERE undone_at IS NULL ORDER BY random() LIMIT 1) m;
    WHEN 'earn' THEN PERFORM crm.points_earn(customer => c[1], programme => 'main', request_id => id, amount => some_n, expires_on => DATE '2098-12-31' + some_n::int);
    WHEN 'redeem' THEN PERFORM crm.points_redeem(a, 'main', id, some_n);
    WHEN 'hold' THEN PERFORM crm.points_freeze(a, 'main', id, some_n);
    WHEN 'release' THEN PERFORM crm.points_unfreeze(j.customer_code, 'main', id, j.request_id)
        FROM (SELECT j.* FROM crm_data.points_account p, crm.lots(p.state) l, crm_data.points_journal j
               WHERE l.hold > 0 AND j.customer_code = p.customer_code AND j.programme = p.programme AND j.seq = l.hold ORDER BY random() LIMIT 1) j;
    WHEN 'take back' THEN PERFORM crm.points_reverse(j.customer_code, 'main', id, j.request_id)
        FROM (SELECT * FROM crm_data.points_journal WHERE kind IN ('earn', 'redeem') ORDER BY random() LIMIT 1) j;
    WHEN 'transfer' THEN PERFORM crm.points_transfer(a, b, 'main', id, 1);
    WHEN 'follow' THEN PERFORM crm.points_merge_follow_batch(3);
    WHEN 'consent' THEN PERFORM crm.consent_grant(c[1], 'marketing', 'email', 'v1');
    WHEN 'withdraw' THEN PERFORM crm.consent_withdraw(c[1], 'marketing');
    WHEN 'ask' THEN PERFORM crm.request_score_change(c[1], 'limit', 'CNY', 'long_term', 100, '2099-12-31', 'race', 'none');
    WHEN 'answer' THEN PERFORM crm.decide_score_change(q.customer_code, q.request_no, random() < 0.5, 'race')
        FROM (SELECT * FROM crm_data.score_request WHERE state = 'requested' AND requested_by <> session_user ORDER BY random() LIMIT 1) q;
    WHEN 'suspect' THEN PERFORM crm.duplicate_suspect(c[1], c[2]);
    WHEN 'decide' THEN PERFORM crm.duplicate_decide(d.case_id, (ARRAY['same', 'open', 'open', 'open', 'different', 'related'])[1 + some_n % 6], 'race')
        FROM (SELECT * FROM crm_data.duplicate_case ORDER BY random() LIMIT 1) d;
    WHEN 'request' THEN PERFORM crm.merge_request(a, b, '{"kind": "survivor"}', 'race');
    WHEN 'approve' THEN PERFORM crm.merge_approve(q.request_id)
        FROM (SELECT * FROM crm_data.merge_request WHERE state = 'pending' AND requested_by <> session_user ORDER BY random() LIMIT 1) q;
    END CASE;
    INSERT INTO outcome VALUES (what, 'done');
EXCEPTION WHEN OTHERS THEN
    INSERT INTO outcome VALUES (what, SQLSTATE, SQLERRM);
END $$;
SQL

# Everything, and then what locks customers, by two people.
my $everything = join ',', ('merge') x 5, ('undo') x 5, 'stale merge', qw(earn earn redeem hold release), 'take back', qw(transfer follow consent withdraw ask answer suspect decide request approve);
my $locking = join ',', ('merge') x 3, ('undo') x 3, ('withdraw') x 3, 'stale merge', qw(decide suspect);
my $seconds = ($ENV{CRM_RACE_SECONDS} // 8) / 2;
for my $things ($everything, $locking) {
	append_to_file(my $script = $node->basedir . '/act.sql.' . length $things, "CALL act(string_to_array('$things', ','));\n");
	my @runs = map {
		my ($user, $err) = ($_, '');
		my @command = ('pgbench', '-n', '-U', $user, '-c', 2, '-T', int $seconds, '--random-seed=7', '-f', $script, '-d', $node->connstr('crm'));
		[ \$err, IPC::Run::start(\@command, '>', \my $out, '2>', \$err) ];
	} qw(test_one test_two);
	for (@runs) { my ($err, $run) = @$_; ok($run->finish, 'two sessions worked to the end') or diag($$err) }
}
note($node->safe_psql('crm', q{SELECT string_agg(format('%s %s %s', what, state, n), ', ') FROM (SELECT what, state, count(*) AS n FROM outcome GROUP BY 1, 2 ORDER BY 1, 2) x}));
is($node->safe_psql('crm', q{SELECT DISTINCT what, state, message FROM outcome WHERE state NOT IN ('done', 'P0002', 'KH006', 'KH014', 'KH008', 'KH015', 'KHP01', 'KHP05', '23505', '22023')}),
	'', 'nothing but refusals that are known; nobody deadlocks');
is($node->safe_psql('crm', q{SELECT string_agg(w, ', ') FROM unnest(ARRAY['merge', 'undo', 'earn', 'redeem', 'hold', 'take back', 'consent', 'withdraw', 'ask', 'suspect', 'decide']) w
	WHERE NOT EXISTS (SELECT FROM outcome o WHERE o.what = w AND o.state = 'done')}), '', 'what matters was done');

my $broken = q{
	SELECT format('%s points to %s, not its root', w.code, c.survivor_code) FROM who w JOIN crm_data.customer c ON c.customer_code OPERATOR(crm.=) w.code
	 WHERE crm.resolve(w.code) OPERATOR(crm.<>) c.survivor_code OR NOT w.code OPERATOR(crm.=) ANY (crm.merge_subtree(c.survivor_code))
	    OR crm.resolve(c.survivor_code) OPERATOR(crm.<>) c.survivor_code OR (c.lifecycle_state = 'merged') = (c.survivor_code OPERATOR(crm.=) w.code)
	UNION ALL SELECT format('%s living are shown %s times', (SELECT count(*) FROM crm_data.customer WHERE survivor_code OPERATOR(crm.=) customer_code), count(*)) FROM crm.customer_view
	 HAVING count(*) <> (SELECT count(*) FROM crm_data.customer WHERE survivor_code OPERATOR(crm.=) customer_code) OR count(*) <> count(DISTINCT customer_code)
	UNION ALL SELECT format('%s shows a value of %s', c.customer_code, g.value) FROM crm_data.customer c, jsonb_each_text(c.golden) g
	 WHERE crm.resolve(g.value::crm.customer_code) OPERATOR(crm.<>) c.customer_code
	UNION ALL SELECT format('case %s keeps apart who are one', d.case_id) FROM crm_data.duplicate_case d
	 WHERE d.state IN ('different', 'related') AND crm.resolve(d.customer_code) OPERATOR(crm.=) crm.resolve(d.other_code)
	UNION ALL SELECT format('case %s is settled by a merge that was undone', d.case_id) FROM crm_data.duplicate_case d JOIN crm_data.merge m ON m.merge_id = d.merge_id WHERE m.undone_at IS NOT NULL
	UNION ALL SELECT format('%s has points and is merged', a.customer_code) FROM crm_data.points_account a
	 WHERE a.state::text <> '{}' AND a.customer_code OPERATOR(crm.<>) crm.resolve(a.customer_code)
	UNION ALL SELECT a::text FROM crm.points_audit() a
	UNION ALL SELECT format('%s points are there, %s were posted', has, posted) FROM (
	    SELECT (SELECT sum(l.amount) FROM crm_data.points_account a, crm.lots(a.state) l) AS has,
	           (SELECT sum(l.amount) FROM crm_data.points_journal j, crm.lots(j.delta) l WHERE j.kind <> 'merge') AS posted) x WHERE has IS DISTINCT FROM posted};
$node->safe_psql('crm', 'CALL crm.points_merge_follow()');
is($node->safe_psql('crm', $broken), '', 'nobody is lost, shown twice or out of his place, and every point is there');
$node->safe_psql('crm', q{DO $$ DECLARE m bigint; BEGIN FOR m IN SELECT merge_id FROM crm_data.merge WHERE undone_at IS NULL ORDER BY random() LOOP PERFORM crm.unmerge(m, 'all'); END LOOP; END $$});
is($node->safe_psql('crm', $broken), '', 'also when all is undone');
is($node->safe_psql('crm', q{(SELECT '- ' || line FROM before EXCEPT ALL SELECT '- ' || own()) UNION ALL (SELECT '+ ' || own() EXCEPT ALL SELECT '+ ' || line FROM before)}), '',
	'and every record has what it had');
$node->stop;
done_testing();
