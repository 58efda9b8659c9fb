import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Scanner;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Callable;
import javax.net.ssl.SSLContext;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.NoopHostnameVerifier;
import org.apache.hc.client5.http.ssl.SSLConnectionSocketFactory;

/** LIBRARY PORT [told]: one request, or what it is told, as driven.py. */
public class InLibraries {
    static final X509TrustManager ALL = (X509TrustManager) InsecureTrustManagerFactory.INSTANCE.getTrustManagers()[0];

    static SSLContext context() throws Exception {
        SSLContext made = SSLContext.getInstance("TLS");
        made.init(null, InsecureTrustManagerFactory.INSTANCE.getTrustManagers(), new SecureRandom());
        return made;
    }

    static Callable<Integer> okhttp(String url) throws Exception {
        OkHttpClient client = new OkHttpClient.Builder()
            .sslSocketFactory(context().getSocketFactory(), ALL)
            .hostnameVerifier((name, session) -> true)
            .build();
        return () -> {
            try (Response answer = client.newCall(new Request.Builder().url(url).build()).execute()) {
                answer.body().string();
                return answer.code();
            }
        };
    }

    static Callable<Integer> apache(String url) throws Exception {
        CloseableHttpClient client = HttpClients.custom()
            .setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
                .setSSLSocketFactory(new SSLConnectionSocketFactory(context(), NoopHostnameVerifier.INSTANCE))
                .build())
            .build();
        return () -> client.execute(new HttpGet(url), answer -> {
            answer.getEntity().getContent().readAllBytes();
            return answer.getCode();
        });
    }

    static Callable<Integer> netty(int port) throws Exception {
        SslContext tls = SslContextBuilder.forClient()
            .sslProvider(SslProvider.OPENSSL)
            .trustManager(InsecureTrustManagerFactory.INSTANCE)
            .build();
        LinkedBlockingQueue<String> answers = new LinkedBlockingQueue<>();
        NioEventLoopGroup group = new NioEventLoopGroup(1, task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        });
        Channel channel = new Bootstrap().group(group).channel(NioSocketChannel.class)
            .handler(new ChannelInitializer<Channel>() {
                protected void initChannel(Channel made) {
                    made.pipeline().addLast(tls.newHandler(made.alloc(), "localhost", port));
                    made.pipeline().addLast(new SimpleChannelInboundHandler<ByteBuf>() {
                        final StringBuilder answer = new StringBuilder();

                        protected void channelRead0(ChannelHandlerContext in, ByteBuf bytes) {
                            answer.append(bytes.toString(StandardCharsets.UTF_8));
                            if (answer.toString().endsWith("hello\n")) {
                                answers.add(answer.toString());
                                answer.setLength(0);
                            }
                        }
                    });
                }
            })
            .connect(InetAddress.getByName("127.0.0.1"), port).sync().channel();
        byte[] request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.UTF_8);
        return () -> {
            channel.writeAndFlush(Unpooled.wrappedBuffer(request)).sync();
            return Integer.parseInt(answers.take().split(" ")[1]);
        };
    }

    static Callable<Integer> connect(String library, int port) throws Exception {
        String url = "https://localhost:" + port + "/";
        switch (library) {
            case "okhttp": return okhttp(url);
            case "apache": return apache(url);
            default: return netty(port);
        }
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[1]);
        Callable<Integer> ask = connect(arguments[0], port);
        if (arguments.length == 2) {
            System.out.println(ask.call());
            System.exit(0);
        }
        System.out.println("ready");
        for (Scanner words = new Scanner(System.in); words.hasNextLine();) {
            if (words.nextLine().equals("new")) {
                ask = connect(arguments[0], port);
            }
            System.out.println(ask.call());
        }
    }
}
