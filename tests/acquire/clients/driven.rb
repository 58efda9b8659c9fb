# The same as driven.py, in Ruby.
require 'openssl'
require 'socket'
$stdout.sync = true
kept = nil
puts 'ready'
$stdin.each_line do |word|
  if word == "new\n"
    kept&.close
    context = OpenSSL::SSL::SSLContext.new
    context.verify_mode = OpenSSL::SSL::VERIFY_NONE
    kept = OpenSSL::SSL::SSLSocket.new(TCPSocket.new('127.0.0.1', ARGV[0].to_i), context).connect
  end
  kept.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
  answer = +''
  answer << kept.readpartial(4096) until answer.end_with?("hello\n")
  puts answer.split[1]
end
