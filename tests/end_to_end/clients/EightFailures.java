// The same in Java, by HttpURLConnection: MODE BASE REFUSED AUTHORITY TRUTH.
import java.io.*;
import java.net.*;
import java.nio.file.*;
import java.time.Duration;
import java.util.Locale;
import javax.net.ssl.*;

class EightFailures {
    static final Duration LIMIT = Duration.ofSeconds(5);

    static void get(SSLContext context, String url) throws Exception {
        HttpsURLConnection connection = (HttpsURLConnection) new URL(url).openConnection();
        connection.setSSLSocketFactory(context.getSocketFactory());
        connection.setReadTimeout((int) LIMIT.toMillis());
        connection.getInputStream().readAllBytes();
    }

    public static void main(String[] words) throws Exception {
        java.security.KeyStore trusted = java.security.KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (InputStream file = Files.newInputStream(Path.of(words[3]))) {
            trusted.setCertificateEntry("authority",
                java.security.cert.CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        get(context, words[1] + "ok"); // the first handshake of a virtual machine takes its time
        try (Writer truth = Files.newBufferedWriter(Path.of(words[4]))) {
            for (String fault : "close reset half-close half-reset nonsense silence busy refused".split(" ")) {
                String url = (fault.equals("refused") ? words[2] : words[1]) + fault;
                double began = System.currentTimeMillis() / 1000.0;
                boolean failed = true;
                try {
                    get(context, url);
                    failed = false;
                } catch (IOException error) {
                    if (words[0].equals("traceback")) error.printStackTrace();
                    else System.out.println("GET " + url + " failed: " + error);
                }
                double ended = System.currentTimeMillis() / 1000.0;
                truth.write(String.format(Locale.ROOT, "[\"%s\", %f, %f, %b]%n", fault, began, ended, failed));
            }
        }
    }
}
