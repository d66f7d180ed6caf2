# Proves: on rows that eight sessions update at once, thousands of times, no posting misses its
# account or loses another's, in single calls, transfers and batches, while VACUUM runs and
# accounts are opened; that all this happens below SQL and within the page (HOT); that two
# sessions that name a request alike in two programmes post it once; that transfers and batches which open
# accounts do not wait for one another in circles; and that in REPEATABLE
# READ and SERIALIZABLE a concurrent posting is an error and a repetition right.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $rounds = $ENV{CRM_POINTS_HOT_ROUNDS} // 1000;
my $node = server('hot', conf => [ 'max_prepared_transactions = 4', 'fsync = off', 'autovacuum = off' ]);
$node->start;
deploy($node, 'crm');
$node->safe_psql('crm', q{SELECT crm.define_points_programme('second', '第二', 'Second')});

sub sql { return $node->safe_psql('crm', $_[0]) }

# Scripts by weight, eight sessions, so many transactions each.
sub load
{
	my ($name, $transactions, %script) = @_;
	my @options;
	for my $weighted (sort keys %script) {
		my ($file, $weight) = split /\@/, $weighted;
		append_to_file(my $path = $node->basedir . "/$name.$file", $script{$weighted});
		push @options, '-f', "$path\@$weight";
	}
	my ($out, $err) = run_command([ $node->installed_command('pgbench'), '-n', '-c', 8, '-j', 2, '-t', $transactions,
		'-M', 'prepared', '-h', $node->host, '-p', $node->port, @options, 'crm' ]);
	my ($done) = $out =~ m{number of transactions actually processed: (\d+)};
	is($done, 8 * $transactions, "$name: every transaction succeeded") or diag(substr "$out$err", 0, 2000);
	unlike($err, qr/LOG|WARNING|aborted/, "$name: and none was remarkable") or diag(substr $err, 0, 2000);
}

is(sql('SELECT crm.points_write_path()'), 'direct', 'postings go below SQL');

# -- one hot row ------------------------------------------------------------------------------

sql("SELECT crm.points_earn('CUST202601010001', 'main', 'start', 1000000, '2030-12-31', business_date => '2026-01-01')");
my $vacuum = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('crm'), ('-c', 'VACUUM crm_data.points_account', '-c', 'SELECT pg_sleep(0.2)') x 10 ], '>', '/dev/null');
load('hot', $rounds,
	'earn@1' => "SELECT crm.points_earn('CUST202601010001', 'main', gen_random_uuid()::text, 3, '2030-12-31', business_date => '2026-01-02');\n",
	'redeem@1' => "SELECT crm.points_redeem('CUST202601010001', 'main', gen_random_uuid()::text, 3, '2026-01-02');\n");
IPC::Run::finish($vacuum);
is(sql("SELECT seq FROM crm_data.points_account WHERE customer_code = 'CUST202601010001'"), 8 * $rounds + 1, 'each posting has a number');
is(sql("SELECT crm.available(a.state, '2026-01-02') - 1000000 - (SELECT sum(amount) FROM crm_data.points_journal WHERE kind IN ('earn', 'redeem') AND request_id <> 'start')
          FROM crm_data.points_account a WHERE customer_code = 'CUST202601010001'"), 0, 'and is in the balance once');

# -- many rows: within the page ---------------------------------------------------------------------

sql("SELECT count(*) FROM crm.points_post_batch(ARRAY(SELECT ROW('open ' || k, date '2026-01-01', 'earn', crm.customer_code(date '2026-02-01', n), NULL, 'main', 100000, date '2030-01-31' + 31 * k, NULL, NULL)::crm.points_op
       FROM generate_series(1, 1000) n, generate_series(1, 12) k)); VACUUM ANALYZE crm_data.points_account; SELECT pg_stat_reset()");
load('many', $rounds,
	'redeem@3' => "\\set n random(1, 1000)\nSELECT crm.points_redeem(crm.customer_code(date '2026-02-01', :n), 'main', gen_random_uuid()::text, 1, '2026-01-02');\n",
	'earn@3' => "\\set n random(1, 1000)\nSELECT crm.points_earn(crm.customer_code(date '2026-02-01', :n), 'main', gen_random_uuid()::text, 1, '2030-03-03', business_date => '2026-01-02');\n");
$node->poll_query_until('crm', "SELECT n_tup_upd >= 8 * $rounds FROM pg_stat_user_tables WHERE relname = 'points_account'");
cmp_ok(sql("SELECT round(100.0 * n_tup_hot_upd / n_tup_upd) FROM pg_stat_user_tables WHERE relname = 'points_account'"), '>', 95, 'more than 95 % of the updates stay within the page');

# -- transfers, batches and first postings at once ----------------------------------------------------

load('mixed', int($rounds / 4),
	'transfer@3' => "\\set a random(1, 5)\n\\set b (:a + random(0, 3)) % 5 + 1\nSELECT crm.points_transfer(crm.customer_code(date '2026-02-01', :a), crm.customer_code(date '2026-02-01', CASE WHEN :a = :b THEN 6 ELSE :b END::int), 'main', gen_random_uuid()::text, 1, '2026-01-02');\n",
	'batch@1' => "SELECT count(*) FROM crm.points_post_batch(ARRAY(SELECT ROW(gen_random_uuid()::text, date '2026-01-02', 'earn', crm.customer_code(date '2026-02-01', (random() * 9)::int + 1), NULL, 'main', 1, NULL, NULL, NULL)::crm.points_op FROM generate_series(1, 20)));\n",
	'open@3' => "\\set n random(1, 400)\nSELECT crm.points_earn(crm.customer_code(date '2026-03-01', :n), 'main', gen_random_uuid()::text, 1);\n",
	'same@1' => "\\set n random(1, 400)\n\\set programme random(1, 2)\nSELECT status FROM crm.points_post_batch(ARRAY[ROW('same', date '2026-01-02', 'earn', crm.customer_code(date '2026-04-01', :n), NULL, CASE :programme::int WHEN 1 THEN 'main' ELSE 'second' END, 1, NULL, NULL, NULL)::crm.points_op]);\n");
is(sql("SELECT count(*) FROM (SELECT customer_code FROM crm_data.points_journal WHERE crm.code_day(customer_code) = '2026-04-01' GROUP BY 1 HAVING count(*) <> 1) v"), 0,
	'a name is posted once, in whichever of two programmes');

# -- openings to and fro ------------------------------------------------------------------------------

# Eight postings in a row meet at one pair of customers, who have no accounts until then.
sql('CREATE SEQUENCE pair');
my $at_pair = sub {
	my $op = "SELECT nextval('pair') / 8 AS n \\gset\nSELECT status FROM crm.points_post_batch(ARRAY[";
	return $op . join(', ', map { my ($kind, @who) = @$_;
		sprintf "ROW(gen_random_uuid()::text, date '2026-01-02', '%s', %s, %s, 'main', 1, NULL, NULL, NULL)::crm.points_op", $kind,
			map { defined $_ ? "crm.customer_code(date '2026-05-01', (2 * :n + $_)::int)" : 'NULL' } @who[0, 1] } @_) . "]);\n";
};
load('openings', int($rounds / 2),
	'there@2' => $at_pair->([ 'earn', 1 ], [ 'transfer', 1, 2 ]), 'back@2' => $at_pair->([ 'transfer', 2, 1 ]),
	'one@1' => $at_pair->([ 'earn', 1 ]), 'two@1' => $at_pair->([ 'earn', 2 ]), 'both@1' => $at_pair->([ 'earn', 2 ], [ 'earn', 1 ]));

# -- the same name from all sessions -----------------------------------------------------------------

append_to_file(my $script = $node->basedir . '/names', join '', map { sprintf "SELECT (crm.points_earn('CUST202601010001', '%s', 'name $_', 1)).status;\n", $_ % 3 ? 'main' : 'second' } 1 .. 300);
my @session = map { IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('crm') ], '<', $script, '>', $node->basedir . "/names.$_", '2>', '/dev/null') } 1 .. 8;
IPC::Run::finish($_) for @session;
my %status;
for (1 .. 8) { $status{$_}++ for split /\n/, slurp_file($node->basedir . "/names.$_") }
is($status{ok}, 300, 'of eight sessions with the same 300 requests one each is first');
is($status{replay}, 2100, 'and seven hear its answer');

# -- isolation levels ----------------------------------------------------------------------------------

for my $level ('REPEATABLE READ', 'SERIALIZABLE') {
	my $session = $node->background_psql('crm', on_error_stop => 0);
	$session->query_safe("BEGIN ISOLATION LEVEL $level");
	is($session->query_safe('SELECT crm.points_write_path()'), 'sql: of this transaction or setting', "$level: through SQL");
	my $before = $session->query_safe("SELECT seq FROM crm_data.points_account WHERE customer_code = 'CUST202601010001'");
	sql("SELECT crm.points_earn('CUST202601010001', 'main', 'meanwhile $level', 1)");
	my $out = $session->query("\\set VERBOSITY sqlstate\nSELECT crm.points_earn('CUST202601010001', 'main', 'late $level', 1); ROLLBACK;");
	is(sql("SELECT count(*) FROM crm_data.points_journal WHERE request_id = 'late $level'"), 0, "$level: nothing is posted on newer data");
	like($session->{stderr}, qr/40001/, "$level: but 40001 is raised");
	$session->quit;
}

# -- two-phase commit ------------------------------------------------------------------------------------

sql("BEGIN; SELECT crm.points_earn('CUST202601010001', 'main', 'prepared', 5); PREPARE TRANSACTION 'hot'");
$node->stop('immediate');
$node->start;
my $waiting = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('crm'), '-c', "SELECT (crm.points_earn('CUST202601010001', 'main', 'prepared', 5)).status" ], '>', \my $said);
$node->poll_query_until('crm', "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')");
$node->safe_psql('crm', "COMMIT PREPARED 'hot'");
IPC::Run::finish($waiting);
is($said, "replay\n", 'a session that posts the same waits for a prepared transaction, over a crash, and hears its answer');

is(sql('SELECT * FROM crm.points_audit()'), '', 'the books are in balance');
is(sql("SELECT count(*) FROM crm_data.points_account WHERE next_due IS DISTINCT FROM crm.next_expiry(state)"), 0, 'and so is the index on the next expiry');
$node->command_ok([ 'pg_amcheck', '--heapallindexed', '--parent-check', '--install-missing', '-t', 'crm_data.points_*', $node->connstr('crm') ], 'tables and indexes are sound');

$node->stop;
done_testing();
