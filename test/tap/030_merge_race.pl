# Proves: when eight sessions merge and undo at random on a dozen customers, while points are
# earned by codes of today and of before, and follow their customers, nobody deadlocks, no error comes but the refusals,
# every pointer is the root of the merges that stand, and no point was lost; when all is undone,
# the customers are who they were.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $node = server('merge_race');
$node->start;
deploy($node, 'crm');
$node->safe_psql('crm', <<'SQL');
SET search_path = public, crm;
UPDATE crm_data.merge_policy SET threshold = NULL WHERE measure IN ('amount', 'points', 'records');
CREATE TABLE who AS SELECT n, crm.register_customer(jsonb_build_object('kind', 'organization', 'name', '示例' || n, 'phone', (13800138000 + n)::text), day => '2021-05-06') AS code
  FROM generate_series(1, 12) n;
SELECT crm.points_earn(customer => code, programme => 'main', request_id => 'first', amount => 100 + n, expires_on => '2099-12-31') FROM who;
CREATE TABLE outcome (what text, n bigint);
CREATE PROCEDURE act(session int) LANGUAGE plpgsql SET search_path = public, crm AS $$
DECLARE
    what text := 'merged';
BEGIN
    IF random() < 0.5 THEN
        PERFORM crm.merge(a, b) FROM (SELECT (array_agg(code ORDER BY random()))[1:2] AS c FROM who) x, LATERAL (SELECT c[1], c[2]) y (a, b);
    ELSIF random() < 0.7 THEN
        what := 'undone';
        PERFORM crm.unmerge(merge_id, 'race') FROM (SELECT merge_id FROM crm_data.merge WHERE undone_at IS NULL ORDER BY random() LIMIT 1) x;
    ELSIF random() < 0.3 THEN
        what := 'late';
        PERFORM crm.points_earn(customer => w.code, programme => 'main', request_id => format('late %s %s', session, random()), amount => 1, expires_on => '2099-12-31')
           FROM (SELECT code FROM who ORDER BY random() LIMIT 1) w;
    ELSIF random() < 0.4 THEN
        what := 'followed';
        PERFORM crm.points_merge_follow_batch(3);
    ELSE
        what := 'earned';
        -- Held, so that nobody merges it between finding and posting.
        PERFORM crm.points_earn(customer => h.customer_code, programme => 'main', request_id => format('%s %s', session, random()), amount => 1, expires_on => '2099-12-31')
           FROM (SELECT c.customer_code, c.survivor_code FROM crm_data.customer c
                  WHERE c.customer_code = (SELECT crm.resolve(code) FROM who ORDER BY random() LIMIT 1) FOR SHARE) h
          WHERE h.customer_code = h.survivor_code;
    END IF;
    INSERT INTO outcome VALUES (what, 1);
EXCEPTION WHEN SQLSTATE 'KH006' OR SQLSTATE 'KH014' OR no_data_found THEN
    INSERT INTO outcome VALUES ('refused', 1);
END $$;
SQL
append_to_file(my $script = $node->basedir . '/act.sql', "CALL act(:client_id);\n");
my $seconds = $ENV{CRM_RACE_SECONDS} // 10;
my ($out, $err) = ('', '');
my $ok = IPC::Run::run([ 'pgbench', '-n', '-c', '8', '-j', '2', '-T', $seconds, '-f', $script, '-d', $node->connstr('crm') ], '>', \$out, '2>', \$err);
unlike($err, qr/deadlock/, 'nobody deadlocks');
unlike($err, qr/ERROR/, 'and no error comes but the refusals') or diag($err);
ok($ok, 'eight sessions worked to the end');
diag($node->safe_psql('crm', q{SELECT string_agg(what || ' ' || n, ', ') FROM (SELECT what, count(*) AS n FROM outcome GROUP BY what ORDER BY what) x}));
cmp_ok($node->safe_psql('crm', q{SELECT count(DISTINCT what) FROM outcome}), '==', 6, 'they merged, undid, earned, followed, and were refused');
$node->safe_psql('crm', 'CALL crm.points_merge_follow()');

my $broken = q{
	SELECT format('%s points to %s, which is not its root', w.code, c.survivor_code) FROM who w JOIN crm_data.customer c ON c.customer_code OPERATOR(crm.=) w.code
	 WHERE crm.resolve(w.code) OPERATOR(crm.<>) c.survivor_code OR NOT w.code OPERATOR(crm.=) ANY (crm.merge_subtree(c.survivor_code))
	UNION ALL SELECT format('%s has points and is merged', a.customer_code) FROM crm_data.points_account a
	 WHERE a.state::text <> '{}' AND a.customer_code OPERATOR(crm.<>) crm.resolve(a.customer_code)
	UNION ALL SELECT a::text FROM crm.points_audit() a
	UNION ALL SELECT format('%s points are there, %s were earned', (SELECT sum(l.amount) FROM crm_data.points_account a, crm.lots(a.state) l), e.earned)
	  FROM (SELECT sum(amount) AS earned FROM crm_data.points_journal WHERE kind = 'earn') e
	 WHERE e.earned <> (SELECT sum(l.amount) FROM crm_data.points_account a, crm.lots(a.state) l)};
is($node->safe_psql('crm', $broken), '', 'every pointer is a root, every point is there');
$node->safe_psql('crm', q{SELECT crm.unmerge(merge_id, 'all') FROM (SELECT merge_id FROM crm_data.merge WHERE undone_at IS NULL ORDER BY random()) x});
is($node->safe_psql('crm', $broken), '', 'also when all is undone');
is($node->safe_psql('crm', q{SELECT count(*) FROM crm_data.customer WHERE lifecycle_state = 'registered' AND golden IS NULL}), 12, 'and everybody is who he was');
$node->stop;
done_testing();
