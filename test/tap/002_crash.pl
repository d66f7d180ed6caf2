# Proves: an import that the server's death interrupts, while others register customers,
# loses nothing and takes nothing twice: called again it goes on, every line ends as one
# customer or one rejection, and the day's codes have neither gap nor double.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $rows = 5000;
my $node = server('crash', conf => [ 'checkpoint_timeout = 30s', 'wal_level = replica' ]);
my $file = $node->basedir . '/customers.csv';
system_log("$CrmTest::top/sample/generate --rows $rows --seed 7 >$file") == 0 or die 'no sample';
append_to_file(my $load = $node->basedir . '/load.sql', <<'LOAD');
SELECT crm.register_customer(jsonb_build_object('kind', 'group', 'name', 'load ' || gen_random_uuid()), scheme => 'LOAD');
LOAD

$node->start;
deploy($node, 'crm');
$node->safe_psql('crm', 'CREATE EXTENSION amcheck');
# as many as the load makes, on however slow a machine
$node->safe_psql('crm', q{SELECT crm.define_code_scheme('LOAD', '负载', 'load', serial_digits => 7, widen => true)});
stage_file($node, 'crm', $file);
my $lines = $node->safe_psql('crm', 'SELECT count(*) FROM crm.customer_staging');
cmp_ok($lines, '>=', $rows, 'the file is staged');

my @import = ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('crm'), '-c', "CALL crm.import_customers('night', batch_size => 20)");
my @load   = ('pgbench', '-n', '-c', '2', '-R', '200', '-T', '60', '-f', $load, $node->connstr('crm'));

# Let import and load run side by side until so many lines are done, then pull the plug.
sub crash_at
{
	my ($done) = @_;
	my ($out1, $out2) = ('', '');
	my $import = IPC::Run::start(\@import, '>&', \$out1);
	my $others = IPC::Run::start(\@load, '>&', \$out2);
	$node->poll_query_until('crm', "SELECT coalesce(max(done), 0) >= $done FROM crm_data.job WHERE state = 'running'")
		or die 'import makes no progress';
	$node->stop('immediate');
	$import->finish;
	$others->finish;
	$node->start;
	return;
}

# What must hold at every moment that a session can see.
sub whole
{
	my ($when) = @_;
	is($node->safe_psql('crm', q{
		SELECT (SELECT count(*) FROM crm_data.import_line) + (SELECT count(*) FROM crm_data.import_reject)
		     + (SELECT count(*) FROM crm.customer_staging)}), $lines, "$when: every line is staged, accepted or rejected, in one place");
	is($node->safe_psql('crm', q{
		SELECT count(*) FROM (SELECT line FROM crm_data.import_line UNION ALL SELECT line FROM crm_data.import_reject
		                      UNION ALL SELECT line FROM crm.customer_staging) l GROUP BY line HAVING count(*) > 1}), '', "$when: and none in two");
	is($node->safe_psql('crm', q{
		SELECT count(*) FROM crm_data.import_line l FULL JOIN (SELECT customer_code FROM crm_data.customer WHERE channel = 'import') c
		       ON c.customer_code = l.customer_code WHERE c.customer_code IS NULL OR l.customer_code IS NULL}),
		'0', "$when: accepted lines and imported customers are the same");
	# max - min + 1 = count and no double: no gap either
	is($node->safe_psql('crm', q{
		SELECT string_agg(x, ', ') FROM (
			SELECT format('%s %s: %s of %s', crm.code_scheme(customer_code), crm.code_day(customer_code), count(*), max(crm.code_serial(customer_code))) AS x
			  FROM crm_data.customer GROUP BY crm.code_scheme(customer_code), crm.code_day(customer_code)
			HAVING max(crm.code_serial(customer_code)) <> count(*) OR count(DISTINCT crm.code_serial(customer_code)) <> count(*)) gaps}),
		'', "$when: the day's codes have no gap and no double");
	is($node->safe_psql('crm', q{
		SELECT count(*) FROM crm_data.customer c
		  LEFT JOIN crm_data.individual i ON i.customer_code = c.customer_code
		  LEFT JOIN crm_data.organization o ON o.customer_code = c.customer_code
		  LEFT JOIN crm_data.customer_group g ON g.customer_code = c.customer_code
		 WHERE num_nonnulls(i.customer_code, o.customer_code, g.customer_code) <> 1}), '0', "$when: every customer is whole");
	return;
}

for my $done (500, 1200)
{
	crash_at($done);
	my $taken = $node->safe_psql('crm', 'SELECT count(*) FROM crm_data.import_line');
	cmp_ok($taken, '>', 0, "crash at $done lines: what was committed is there");
	cmp_ok($taken, '<', $lines * 0.9, "crash at $done lines: and the import had not ended");
	is($node->safe_psql('crm', q{SELECT count(*) FROM crm.job_progress WHERE state = 'running'}), '0', "crash at $done lines: progress shows it as interrupted");
	whole("crash at $done lines");
}

runs($node, 'called again, the import goes on to its end', @import);
whole('at the end');
is($node->safe_psql('crm', 'SELECT count(*) FROM crm.customer_staging'), '0', 'nothing is left staged');
is($node->safe_psql('crm', q{SELECT string_agg(records::text, ' = ' ORDER BY outcome DESC) FROM (
		SELECT 'staged' AS outcome, records FROM crm.import_report('night') WHERE outcome = 'staged'
		UNION ALL SELECT 'both', sum(records) FROM crm.import_report('night') WHERE outcome IN ('accepted', 'rejected')) r}),
	"$lines = $lines", 'accepted + rejected = staged');
cmp_ok($node->safe_psql('crm', q{SELECT count(*) FROM crm_data.customer WHERE channel <> 'import'}), '>', 10, 'others registered customers all the while');

# The same file again: every accepted line is passed over.
my $before = customers($node, 'crm');
stage_file($node, 'crm', $file);
runs($node, 'the same delivery a second time', @import);
is(customers($node, 'crm'), $before, 'adds no customer');

runs($node, 'heap and indexes agree', 'pg_amcheck', '--heapallindexed', '--parent-check',
	'-h', $node->host, '-p', $node->port, '-d', 'crm');
is($node->safe_psql('crm', 'SELECT count(*) FROM crm_data.customer WHERE customer_code = crm.next_customer_code()'), '0',
	'the next code is a new one');

done_testing();
