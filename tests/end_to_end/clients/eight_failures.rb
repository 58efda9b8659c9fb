# The same in Ruby, by Net::HTTP: MODE BASE REFUSED AUTHORITY TRUTH.
require 'json'
require 'net/http'
require 'openssl'

LIMIT = 1
mode, base, refused, authority, truth = ARGV
File.open(truth, 'w') do |told|
  %w[close reset half-close half-reset nonsense silence busy refused].each do |fault|
    uri = URI((fault == 'refused' ? refused : base) + fault)
    began = Time.now.to_f
    failed = true
    begin
      http = Net::HTTP.new(uri.host, uri.port)
      http.use_ssl, http.ca_file, http.read_timeout, http.max_retries = true, authority, LIMIT, 0
      http.start { http.get(uri.path) }.value
      failed = false
    rescue StandardError => error
      if mode == 'traceback'
        $stderr.puts error.full_message(highlight: false)
      else
        puts "GET #{uri} failed: #{error.message} (#{error.class})"
      end
    end
    told.puts JSON.generate([fault, began, Time.now.to_f, failed])
  end
end
