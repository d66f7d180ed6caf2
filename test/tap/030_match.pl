# Proves: a model with what it learned and found goes through dump and restore and answers as
# before; a run that is stopped leaves the last result, takes no memory with it, shows as
# interrupted, and the next one ends as if nothing had happened; two runs at once do not mix.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $node = server('match');
$node->start;
deploy($node, 'crm');
$node->safe_psql('crm', q{
	CREATE TABLE person (id int PRIMARY KEY, name text, phone text, born date);
	INSERT INTO person SELECT n, (ARRAY['王','李','张','刘','陈'])[1 + n % 5] || (ARRAY['伟','芳','娜','敏','静','丽','强'])[1 + n % 7] || (ARRAY['华','国','红'])[1 + n % 3],
		'138' || lpad((n::bigint * 7919 % 100000000)::text, 8, '0'), date '1940-01-01' + n % 25000 FROM generate_series(1, 40000) n;
	INSERT INTO person SELECT id + 1000000, name || '先生', '+86 ' || phone, born FROM person WHERE id % 4 = 0;
	SELECT match_model_create('person', 'person', match_settings_suggest('person'))});
$node->safe_psql('crm', "CALL match_run('person')");
my $picture = q{SELECT md5(string_agg(id || ' ' || cluster_id, ',' ORDER BY id COLLATE "C")) FROM match_clusters('person')};
my $before = $node->safe_psql('crm', $picture);
my $found  = q{SELECT id, round(match_weight::numeric, 9) FROM find_matches_to_new_records('person', '{"name": "李伟", "phone": "13800007919"}') ORDER BY 2 DESC, 1 LIMIT 3};
my $answer = $node->safe_psql('crm', $found);
isnt($answer, '', 'a record finds its like');

# -- dump and restore -------------------------------------------------------------------

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('crm') ], 'models are dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->safe_psql('postgres', 'ALTER DATABASE restored SET search_path = public, crm');
$node->command_ok([ 'pg_restore', '-e', '-j2', '-d', $node->connstr('restored'), $dump ], 'and restored');
is($node->safe_psql('restored', $picture), $before, 'with their clusters');
is($node->safe_psql('restored', $found), $answer, 'and answer as before');
like(($node->psql('restored', q{SELECT match_insert('person', '{"id": 5, "name": "x"}')}))[2], qr/is in the matching model/, 'an id is still taken');
cmp_ok($node->safe_psql('restored', q{SELECT match_insert('person', '{"id": -1, "name": "慕容复"}')}), '>', 0, 'records are added');

# -- stopped, and called again -----------------------------------------------------------

for my $after (60, 200, 500, 900) {
	my ($code, $out, $err) = $node->psql('crm', "SET statement_timeout = $after; CALL match_run('person', true)");
	next if $code == 0;    # it was done by then
	like($err, qr/canceling statement/, "a run stopped after $after ms says so");
	is($node->safe_psql('crm', $picture), $before, 'and leaves the last result');
}
$node->safe_psql('crm', "CALL match_run('person')");
is($node->safe_psql('crm', $picture), $before, 'the next run ends as if nothing had happened');
is($node->safe_psql('crm', "SELECT count(*) FROM job_progress WHERE kind = 'match' AND state = 'running'"), 0, 'nothing seems to run');
is($node->safe_psql('crm', 'SELECT count(DISTINCT (model_id, run)) FROM crm_data.match_page'), 1, 'pages of other runs are gone');

# -- one run at a time ---------------------------------------------------------------------

my $holder = $node->background_psql('crm');
$holder->query_safe("BEGIN; CALL match_run('person')");
my ($code, $out, $err) = $node->psql('crm', "CALL match_run('person')");
like($err, qr/is being run by another session/, 'a second run at the same time is refused');
$holder->query_safe('ROLLBACK');
$holder->quit;
is($node->safe_psql('crm', $picture), $before, 'and what is rolled back has not been');
$node->stop;
done_testing();
