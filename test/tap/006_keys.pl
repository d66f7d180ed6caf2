# Proves: whatever is wrong with the key, the server starts, reads show ***, writes of
# personal data fail with KH012 and say what to do, nothing is ever sealed by a wrong key,
# and a right key heals all. A key comes from a file, a command, or the postmaster.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my $node = server('keys');
my $key  = $node->basedir . '/crm.key';
my $conf = 'postgresql.conf';
$node->start;
deploy($node, 'crm');
import_sample($node, 'crm');
my $masks   = q{SELECT string_agg(coalesce(phone::text, email::text), ' ' ORDER BY customer_code, contact_no) FROM crm_data.contact_point};
my $genuine = $node->safe_psql('crm', $masks);
my $data    = data_of($node, 'crm');
my $secret  = slurp_file($key) =~ s/\s//gr;
my $number  = 0;

sub write_key { my ($path, $text, $mode) = @_; unlink $path; append_to_file($path, $text); chmod $mode // 0600, $path; return }
sub register { return sprintf q{SELECT crm.register_customer('{"kind": "organization", "name": "key %d", "phone": "1390013%04d"}')}, ++$number, $number }

# With this fault nothing can be read or written, and everything is there afterwards.
sub keyless
{
	my ($name) = @_;
	my $what = $node->safe_psql('crm', 'SELECT loaded, detail FROM crm.key_status()');
	like($what, qr/^f\|./, "$name: the status says so: " . substr $what, 2);
	unlike($what, qr/\Q$key\E|$secret/i, "$name: without path and key");
	is($node->safe_psql('crm', q{SELECT state FROM crm.health() WHERE checked = 'key'}), 'error', "$name: so does crm.health()");
	is($node->safe_psql('crm', q{SELECT string_agg(DISTINCT coalesce(phone::text, email::text), ' ') FROM crm_data.contact_point}), '***', "$name: values print ***");
	like(fails_with($node, 'crm', 'KH012', register(), "$name: writing is refused"), qr/HINT:/, "$name: and the hint says what to do");
	fails_with($node, 'crm', 'KH012', q{SELECT crm.reveal(phone, 'test') FROM crm_data.contact_point WHERE phone IS NOT NULL LIMIT 1}, "$name: so is revealing");
	same(data_of($node, 'crm'), $data, "$name: nothing was changed, and a dump works");
	return;
}

sub use_key { my ($setting, $value) = @_; $node->adjust_conf($conf, $setting, "'$value'"); $node->reload; return }

# -- files ---------------------------------------------------------------------------------

unlink $key;
keyless('file missing');
fails_with($node, 'crm', 'KH012', 'SELECT crm.key_generate()', 'file missing: no second key is made for data that the first has sealed');
ok(!-e $key, 'file missing: and none was written');

write_key($key, "$secret\n", 0644);
keyless('file that others can read');
write_key($key, "$secret\n", 0600);
is($node->safe_psql('crm', $masks), $genuine, 'mode put right: the values are back');

write_key($key, ('0' x 63) . "1\n");
keyless('key of another database');
write_key($key, "not a key\n");
keyless('file without a key');
write_key($key, '');
keyless('empty file');
write_key($key, "$secret\n");

my $inside = $node->data_dir . '/inside.key';
write_key($inside, "$secret\n");
use_key('crm.key_file', $inside);
keyless('file inside the data directory');
symlink $node->data_dir, $node->basedir . '/link';
use_key('crm.key_file', $node->basedir . '/link/inside.key');
keyless('file inside the data directory, by a link');
use_key('crm.key_file', 'crm.key');
keyless('relative path');
use_key('crm.key_file', $key);
is($node->safe_psql('crm', $masks), $genuine, 'the right file: the values are back');

# -- a session that is open sees a key go and come ---------------------------------------------

my ($rc, $out, $err) = $node->psql('crm', qq{
	$masks;
	SET crm.key_file = '/nowhere/crm.key';
	SELECT string_agg(DISTINCT phone::text, ' ') FROM crm_data.contact_point WHERE phone IS NOT NULL;
	RESET crm.key_file;
	$masks});
is($out, "$genuine\n***\n$genuine", 'one session: with the key, without, with it again');
$node->safe_psql('crm', 'CREATE ROLE anybody LOGIN');
for my $sql ("SET crm.key_file = '$key'", "SET crm.key_command = 'cat $key'", 'SHOW crm.key_file')
{
	fails_with($node, 'crm', '42501', "SELECT crm.company_today(); $sql", 'not for everybody: ' . substr($sql, 0, 12),
		connstr => $node->connstr('crm') . ' user=anybody');
}

# -- a command ---------------------------------------------------------------------------------

use_key('crm.key_file', '');
$node->append_conf($conf, "crm.key_command = 'cat $key'");
$node->reload;
is($node->safe_psql('crm', $masks), $genuine, 'the command of a key service: the values are there');
is($node->safe_psql('crm', 'SELECT source FROM crm.key_status()'), 'command', 'and the status says where from');
use_key('crm.key_command', "cat $key; false");
keyless('command that fails');
use_key('crm.key_command', 'echo nonsense');
keyless('command that prints something else');
use_key('crm.key_command', '');
keyless('no source');

# -- the postmaster reads it once, then the file may go --------------------------------------------

use_key('crm.key_file', $key);
$node->append_conf($conf, "shared_preload_libraries = 'crm'");
$node->restart;
rename $key, "$key.away";
is($node->safe_psql('crm', $masks), $genuine, 'read by the postmaster: new sessions have the key, though its file is gone');
is($node->safe_psql('crm', register()) =~ /^CUST/, 1, 'and write');
$data = data_of($node, 'crm');
$node->restart;
keyless('postmaster started without the file');
like(slurp_file($node->logfile), qr/LOG:  crm: no key for personal data/, 'which the server\'s log tells');
rename "$key.away", $key;

# -- the key itself is nowhere ---------------------------------------------------------------------

my @files = split /\n/, `find '@{[ $node->data_dir ]}' '@{[ $node->logfile ]}' -type f -not -name inside.key`;
my $lower = lc $secret;
my $bytes = pack 'H*', $secret;
cmp_ok(scalar @files, '>', 500, 'the server has files to look through');
is_deeply([ grep { my $text = slurp_file($_); index(lc $text, $lower) >= 0 || index($text, $bytes) >= 0 } @files ], [], 'neither data directory nor log holds the key');

done_testing();
