# Proves: two sessions that apply one run take turns, a session that is killed in the middle
# loses what it had not committed and nothing else, whoever calls again goes on from there, each
# correction is made once, and what somebody is changing at that moment stays as he leaves it;
# and the same of undoing.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $node = server('cleaning_race');
$node->start;
deploy($node, 'crm');
my $customers = 40;
$node->safe_psql('crm', <<"SQL");
SET search_path = public, crm;
CREATE ROLE crm_test_one LOGIN; CREATE ROLE crm_test_two LOGIN; GRANT crm_data_admin TO crm_test_one, crm_test_two;
INSERT INTO crm_data.customer (customer_code, kind, survivor_code) SELECT c, 'individual', c FROM next_customer_codes($customers, '2024-01-01') c;
INSERT INTO crm_data.individual (customer_code, name, occupation) SELECT customer_code, '王小明', ' clerk ' FROM crm_data.customer;
SET SESSION AUTHORIZATION crm_test_one;
CALL cleaning_preview(NULL, ARRAY['occupation_spelling']);
SET SESSION AUTHORIZATION crm_test_two;
SELECT cleaning_approve(run_id, seen) FROM cleaning_run;
SQL
my $run = $node->safe_psql('crm', 'SELECT run_id FROM crm.cleaning_run');

# A session of its own that works through a script while this one looks on.
sub session
{
	my ($name, $script) = @_;
	my %s = (in => "SET application_name = '$name';\n$script\n", out => '', err => '');
	$s{run} = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('crm') ], '<', \$s{in}, '>', \$s{out}, '2>', \$s{err});
	$s{run}->pump while length $s{in};
	return \%s;
}
sub waits { my ($name) = @_; ok($node->poll_query_until('crm', "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '$name' AND wait_event_type = 'Lock')"), "$name waits") }
sub closes { my ($s) = @_; local $SIG{PIPE} = 'IGNORE'; eval { $s->{run}->finish }; return $s->{err} }
sub states { return $node->safe_psql('crm', q{SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM (SELECT state, count(*) AS n FROM crm_data.cleaning_proposal GROUP BY state) x}) }
sub kill_it { my ($name) = @_; $node->safe_psql('crm', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '$name'");
	$node->poll_query_until('crm', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '$name')") }

my $held = "UPDATE crm_data.individual SET occupation = '%s' WHERE customer_code OPERATOR(crm.=) 'CUST202401010013';";
my $editor = session('editor', 'BEGIN; ' . sprintf($held, 'chef'));
$node->poll_query_until('crm', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'editor' AND state = 'idle in transaction')});
my $first = session('first', "SET SESSION AUTHORIZATION crm_test_one; CALL crm.cleaning_apply($run, 5);");
waits('first');
is(states(), 'applied 10, proposed 30', 'two batches are committed');
is($node->safe_psql('crm', q{SELECT done FROM crm.job_progress WHERE kind = 'cleaning'}), 10, 'and to be seen');
my $second = session('second', "SET SESSION AUTHORIZATION crm_test_two; CALL crm.cleaning_apply($run, 7);");
waits('second');
kill_it('first');
like(closes($first), qr/terminating connection/, 'the first is killed');
waits('second');
is(states(), 'applied 10, proposed 30', 'what was committed stands, and no more');
$editor->{in} .= "COMMIT;\n";
closes($editor);
unlike(closes($second), qr/ERROR/, 'the second goes on to the end');
is(states(), 'applied 39, stale 1', 'each correction is made once');
is($node->safe_psql('crm', q{SELECT occupation, count(*) FROM crm_data.individual GROUP BY 1 ORDER BY 1}), "chef|1\nclerk|39", 'and what somebody changed at that moment is his');
is($node->safe_psql('crm', q{SELECT state FROM crm.cleaning_run}), 'applied', 'the run is done');

# Undoing, killed and resumed; an edit at that moment is a conflict.
$held =~ s/0013/0027/;
$editor = session('editor', 'BEGIN; ' . sprintf($held, 'cook'));
$node->poll_query_until('crm', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'editor' AND state = 'idle in transaction')});
$first = session('first', "SET SESSION AUTHORIZATION crm_test_two; CALL crm.cleaning_undo($run, 'to see', 5);");
waits('first');
kill_it('first');
closes($first);
is(states(), 'applied 15, stale 1, undone 24', 'undoing commits its batches too');
$node->stop('immediate');
closes($editor);
$node->start;
is(states(), 'applied 15, stale 1, undone 24', 'which a crash leaves as they are');
$node->safe_psql('crm', sprintf($held, 'cook'));
$node->safe_psql('crm', "SET SESSION AUTHORIZATION crm_test_one; CALL crm.cleaning_undo($run, 'go on')");
is(states(), 'conflict 1, stale 1, undone 38', 'and is finished by who calls again');
is($node->safe_psql('crm', q{SELECT '<' || occupation || '>', count(*) FROM crm_data.individual GROUP BY 1 ORDER BY 1}), "< clerk >|38\n<chef>|1\n<cook>|1", 'all is as it was, but for what was changed since');
is($node->safe_psql('crm', q{SELECT undone_why FROM crm.cleaning_run}), 'to see', 'with the reason of who began it');
done_testing();
