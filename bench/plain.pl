#!/usr/bin/perl
# plain.pl DIR: read sample customers on standard input; write them to DIR twice:
# customers.csv as crm stages them, and one file for each of the plain tables that
# a company without crm would fill. Every customer gets all five personal-data
# fields: name, document, telephone, e-mail, address.
use strict;
use warnings;

my $dir = shift or die "usage: plain.pl DIR\n";
my %out;
for my $name (qw(customers customer individual organization customer_group identity_document contact_point bank_account address)) {
	open $out{$name}, '>', "$dir/$name.csv" or die "$dir/$name.csv: $!\n";
}
my $header = <STDIN>;
print { $out{customers} } "line,kind,name,document_kind,document_number,sex,birth_date,phone,email,bank_card,address,occupation,industry,legal_representative,contact_name\n";

while (my $row = <STDIN>) {
	chomp $row;
	my ($line, $kind, $name, $dkind, $number, $sex, $birth, $phone, $email, $card, $address, $job, $industry, $legal, $contact) = fields($row);
	$phone = sprintf '139%08d', $line % 100_000_000 if $phone eq '';
	$email = "customer$line\@example.com" if $email eq '';
	$address = "浙江省杭州市西湖区示例路${line}号" if $address eq '';
	my $code = sprintf 'PLAN20260101%07d', $line;
	print { $out{customers} } csv($line, $kind, $name, $dkind, $number, $sex, $birth, $phone, $email, $card, $address, $job, $industry, $legal, $contact);
	print { $out{customer} } csv($code, $kind, 'registered', $code, 'import');
	if ($kind eq 'individual') { print { $out{individual} } csv($code, $name, $sex, $birth, $job) }
	elsif ($kind eq 'organization') { print { $out{organization} } csv($code, $name, $number, $industry, $legal, $contact) }
	else { print { $out{customer_group} } csv($code, $name, $industry, $contact) }
	print { $out{identity_document} } csv($code, 1, $dkind, $number) if $number ne '';
	print { $out{contact_point} } csv($code, 1, $phone, '', 't'), csv($code, 2, '', $email, 'f');
	print { $out{bank_account} } csv($code, 1, $card) if $card ne '';
	print { $out{address} } csv($code, 1, 330106, $address, '[2026-01-01,)');
}

sub fields {
	my ($row) = @_;
	return split /,/, $row, -1 unless $row =~ /"/;
	my @fields;
	while ($row =~ /\G(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g) {
		push @fields, defined $1 ? $1 =~ s/""/"/gr : $2;
		last if pos($row) >= length $row;
	}
	return @fields;
}

sub csv { return join(',', map { /[",\n]/ ? '"' . s/"/""/gr . '"' : $_ } @_) . "\n" }
