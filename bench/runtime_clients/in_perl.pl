# in_perl.pl PORT [told]: one request by IO::Socket::SSL, or what it is told, as driven.py.
use strict;
use warnings;
use IO::Socket::SSL;

$| = 1;
my ($port, $told) = @ARGV;

sub opened {
    return IO::Socket::SSL->new(
        PeerHost => "127.0.0.1", PeerPort => $port, SSL_verify_mode => SSL_VERIFY_NONE
    ) || die $SSL_ERROR;
}

sub ask {
    my ($connection) = @_;
    print $connection "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    my $status = (split / /, <$connection>)[1];
    while (<$connection>) { last if $_ eq "hello\n"; }
    print "$status\n";
}

my $kept = opened();
if (!$told) { ask($kept); exit 0; }
print "ready\n";
while (my $word = <STDIN>) {
    $kept = opened() if $word eq "new\n";
    ask($kept);
}
