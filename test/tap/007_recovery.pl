# Proves: what is posted below SQL is in the WAL like everything else. A standby has the same
# rows to the byte and audits clean; promoted, it posts on. Recovery to a point between two
# postings has the first and nothing of the second, nor of one that was open at that point; what
# is lost is posted again under its own name, and the ledger holds.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $primary = server('primary', streaming => 1);
$primary->enable_archiving;
$primary->start;
deploy($primary, 'crm');
import_sample($primary, 'crm');
my $one = $primary->safe_psql('crm', 'SELECT min(customer_code) FROM crm_data.customer');
my $other = $primary->safe_psql('crm', 'SELECT max(customer_code) FROM crm_data.customer');

sub post { my ($node, $sql) = @_; return $node->safe_psql('crm', "SELECT status || ' ' || available FROM crm.points_$sql") }
sub audit { my ($node, $name) = @_; return is($node->safe_psql('crm', 'SELECT * FROM crm.points_audit()'), '', "$name: the audit finds nothing") }
sub named { my ($node, $request) = @_; return $node->safe_psql('crm', "SELECT count(*) FROM crm_data.points_journal WHERE request_id = '$request'") }

is(post($primary, "earn('$one', 'main', 'before the backup', 40)"), 'ok 40', 'an account older than the backup');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

is($primary->safe_psql('crm', 'SELECT crm.points_write_path()'), 'direct', 'postings go below SQL');
is(post($primary, "earn('$one', 'main', 'early', 100)"), 'ok 140', 'a posting to that account');
is(post($primary, "earn('$other', 'main', 'opened', 10)"), 'ok 10', 'one that opens an account');

# -- a point in time, with a posting open at it ---------------------------------------------------

my $open = $primary->background_psql('crm');
$open->query_safe("BEGIN; SELECT crm.points_redeem('$other', 'main', 'open', 3)");
$primary->safe_psql('crm', q{SELECT pg_create_restore_point('between')});
my $then = data_of($primary, 'crm');
$open->query_safe('COMMIT');
$open->quit;
is(post($primary, "redeem('$one', 'main', 'late', 30)"), 'ok 110', 'a posting after the point');
is(named($primary, 'open') + named($primary, 'late'), 2, 'both are on the primary');
my $wal = $primary->safe_psql('crm', 'SELECT pg_walfile_name(pg_switch_wal())');
$primary->poll_query_until('postgres', "SELECT last_archived_wal >= '$wal' FROM pg_stat_archiver") or BAIL_OUT('nothing was archived');

my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($primary, 'base', has_restoring => 1);
$restored->append_conf('postgresql.conf', "recovery_target_name = 'between'\nrecovery_target_action = 'promote'");
$restored->start;
$restored->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or BAIL_OUT('recovery does not end');
same(data_of($restored, 'crm'), $then, 'recovered: every row is as it was at that point');
is(named($restored, 'early') + named($restored, 'opened'), 2, 'recovered: what was committed before it is there');
is(named($restored, 'open') + named($restored, 'late'), 0, 'recovered: nothing that came after it, nor what was open');
audit($restored, 'recovered');
is(post($restored, "redeem('$other', 'main', 'open', 3)"), 'ok 7', 'recovered: what was lost is posted again');
is(post($restored, "redeem('$one', 'main', 'late', 30)"), 'ok 110', 'with the same answer');
is(post($restored, "earn('$one', 'main', 'early', 100)"), 'replay 140', 'and what was not lost is known');
audit($restored, 'recovered and posted on');
$restored->stop;

# -- a standby --------------------------------------------------------------------------------------

$primary->wait_for_catchup($standby);
same(data_of($standby, 'crm'), data_of($primary, 'crm'), 'standby: every row is the primary\'s');
audit($standby, 'standby');
fails_with($standby, 'crm', '25006', "SELECT crm.points_earn('$one', 'main', 'on a standby', 1)", 'standby: a posting is refused');
$primary->stop('immediate');
$standby->promote;
is(post($standby, "earn('$one', 'main', 'promoted', 1)"), 'ok 111', 'promoted: it posts on');
audit($standby, 'promoted');
$standby->stop;

done_testing();
